import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { machine } from "../support/cli.ts"
import { isRoot, NOBODY } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"

const RANGE = { AUTOMATELINUX_APP_RANGE: "24600-24699", AUTOMATELINUX_SPECIAL_RANGE: "24700-24799" }

const CODE = "automatelinux/code"

/** A user whose code is kept in a directory of its own. */
const cached = (XDG_CACHE_HOME = temporary()) => ({
  box: machine({ ...RANGE, XDG_CACHE_HOME }),
  files: () => readdirSync(join(XDG_CACHE_HOME, CODE)).map((name) => join(XDG_CACHE_HOME, CODE, name)),
  home: XDG_CACHE_HOME
})

it("keeps the code that V8 made of the program, for its owner alone, and takes it again", async () => {
  const { box, files, home } = cached()
  expect((await box.sh("umask 000; d listPorts")).code).toBe(0)
  const inodes = () => files().map((file) => [file, statSync(file).ino])
  const first = inodes()
  expect(statSync(join(home, CODE)).mode & 0o777).toBe(0o700)
  expect(files().map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600])
  await box.ok("listPorts")
  expect(inodes()).toEqual(first)
})

it.each([
  ["is empty", () => Buffer.alloc(0)],
  ["is cut off", (code: Buffer) => code.subarray(0, 5000)],
  ["is something else", () => Buffer.from("something else entirely".repeat(1000))],
  ["belongs to another version of V8", (code: Buffer) => Buffer.concat([Buffer.alloc(16, 1), code.subarray(16)])]
])("makes code anew that %s", async (_, spoil) => {
  const { box, files } = cached()
  await box.ok("listPorts")
  const kept = files().map((file) => ({ file, code: readFileSync(file) }))
  for (const { code, file } of kept) writeFileSync(file, spoil(code))
  expect(await box.d("listPorts")).toMatchObject({ code: 0, stderr: "" })
  for (const { code, file } of kept) expect(readFileSync(file).length).toBeGreaterThan(code.length / 2)
})

it.runIf(isRoot)("loads no code from a directory that another user can write to, and leaves it alone", async () => {
  const foreign = cached()
  mkdirSync(join(foreign.home, CODE), { recursive: true })
  chmodSync(join(foreign.home, CODE), 0o777)
  await foreign.box.ok("listPorts")
  expect(foreign.files()).toEqual([])

  // As under sudo, with the HOME of whoever called it.
  const home = temporary()
  chownSync(home, NOBODY, NOBODY)
  await machine({ ...RANGE, HOME: home, XDG_CACHE_HOME: "", XDG_STATE_HOME: temporary() }).ok("listPorts")
  expect(readdirSync(home)).toEqual([])
})

it("runs without a directory that can be written to", async () => {
  expect(await machine({ ...RANGE, XDG_CACHE_HOME: "/proc" }).ok("listPorts")).toMatch(/^KEY/)
})
