import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { lookFor } from "../../src/machine/missing.ts"
import { temporary } from "../support/root.ts"

/** A directory with something in it. */
const full = (): string => {
  const directory = temporary()
  writeFileSync(join(directory, "file"), "")
  return directory
}

it("sees a directory", async () => {
  expect(await lookFor(temporary())).toEqual({ _tag: "There" })
})

it("is sure of a directory that is missing among others", async () => {
  const parent = full()
  expect(await lookFor(join(parent, "gone"))).toEqual({ _tag: "Missing", at: parent, doubt: undefined })
})

it("doubts if what it was in is empty, as a directory that a disk was mounted on", async () => {
  const parent = temporary()
  expect(await lookFor(join(parent, "gone"))).toEqual({
    _tag: "Missing",
    at: parent,
    doubt: { why: "empty", at: parent }
  })
})

it("doubts if what it was in is missing, too", async () => {
  const parent = full()
  expect(await lookFor(join(parent, "disk/gone"))).toMatchObject({ doubt: { why: "no-parent", at: parent } })
})

it("doubts if disks are mounted there, and none is now", async () => {
  expect(await lookFor("/mnt/no-such-disk-of-a-test/gone")).toMatchObject({ doubt: { why: "unmounted", at: "/mnt" } })
  expect(await lookFor("/run/media/nobody/gone")).toMatchObject({ doubt: { why: "unmounted", at: "/run/media" } })
})

it("doubts if a link on the way leads nowhere", async () => {
  const parent = full()
  symlinkSync(join(parent, "no-disk"), join(parent, "link"))
  expect(await lookFor(join(parent, "link/gone"))).toMatchObject({ doubt: { why: "link", at: join(parent, "link") } })
  expect(await lookFor(join(parent, "link"))).toMatchObject({ doubt: { why: "link", at: join(parent, "link") } })
})

it("follows a link to where something is", async () => {
  const [parent, disk] = [full(), full()]
  symlinkSync(disk, join(parent, "link"))
  expect(await lookFor(join(parent, "link/gone"))).toMatchObject({ _tag: "Missing", doubt: undefined })
})

it("doubts if something else has the name", async () => {
  const parent = full()
  expect(await lookFor(join(parent, "file"))).toMatchObject({ doubt: { why: "no-directory" } })
  expect(await lookFor(join(parent, "file/gone"))).toMatchObject({ doubt: { why: "unreadable", code: "ENOTDIR" } })
})

it("doubts if the system fails", async () => {
  const parent = full()
  symlinkSync("loop", join(parent, "loop"))
  expect(await lookFor(join(parent, "loop/gone"))).toMatchObject({ doubt: { why: "unreadable", code: "ELOOP" } })
  expect(await lookFor(join(parent, "x".repeat(300), "gone"))).toMatchObject({
    doubt: { why: "unreadable", code: "ENAMETOOLONG" }
  })
})

it("sees what was made meanwhile", async () => {
  const parent = full()
  const path = join(parent, "gone")
  expect((await lookFor(path))._tag).toBe("Missing")
  mkdirSync(path)
  expect(await lookFor(path)).toEqual({ _tag: "There" })
  rmSync(path, { recursive: true })
})
