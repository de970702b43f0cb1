import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { type Change, filesOnDisk } from "../../src/files/filesOnDisk.ts"
import { temporary } from "../support/root.ts"

const change = (file: string, text: string | undefined): Change => ({ file, text, mode: 0o600, directories: [] })

it("loses no change that another program makes between reading and writing", () => {
  const file = join(temporary(), "settings.json")
  writeFileSync(file, "{}")
  for (const text of ["mine", undefined]) {
    const files = filesOnDisk()
    expect(files.read(file)).toBe("{}")
    writeFileSync(file, "{}  ")
    expect(() => files.write([change(file, text)])).toThrow("was changed by another program at the same moment")
    expect(readFileSync(file, "utf8")).toBe("{}  ")
    writeFileSync(file, "{}")
  }
  const made = join(file, "../made.json")
  const files = filesOnDisk()
  expect(files.read(made)).toBeUndefined()
  writeFileSync(made, "theirs")
  expect(() => files.write([change(made, "mine")])).toThrow("was changed by another program at the same moment")
  expect(readFileSync(made, "utf8")).toBe("theirs")
})

it("writes all files or none, and leaves nothing behind", () => {
  const root = temporary()
  const [kept, gone, late] = [join(root, "kept"), join(root, "gone"), join(root, "late")]
  for (const file of [kept, gone, late]) writeFileSync(file, "before")
  chmodSync(gone, 0o666)
  const files = filesOnDisk()
  for (const file of [kept, gone, late, join(root, "a/b/new")]) files.read(file)
  writeFileSync(late, "theirs")
  const changes = [
    change(join(root, "a/b/new"), "x"),
    change(kept, "after"),
    change(gone, undefined),
    change(late, "mine")
  ]
  expect(() => files.write(changes)).toThrow("late was changed by another program")
  expect(readdirSync(root).sort()).toEqual(["gone", "kept", "late"])
  expect([kept, gone, late].map((file) => readFileSync(file, "utf8"))).toEqual(["before", "before", "theirs"])
  expect(statSync(gone).mode & 0o777).toBe(0o666)
  // A directory that was there is not removed, even if it is empty.
  mkdirSync(join(root, "a"))
  expect(() => files.write([change(join(root, "a/b/new"), "x"), change(late, "mine")])).toThrow("late")
  expect(readdirSync(root).sort()).toEqual(["a", "gone", "kept", "late"])
})
