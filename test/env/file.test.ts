import { execFileSync, spawn } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { parse } from "dotenv"
import { expect, it } from "vitest"
import { machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { asNobody, asUser, isRoot, NOBODY } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"

/** The built program, and real files: what is left of a write that fails or is killed. */

const RANGES = { AUTOMATELINUX_APP_RANGE: "20700-20749", AUTOMATELINUX_SPECIAL_RANGE: "20750-20799" }

const project = (root = temporary()): string => {
  writeFileSync(join(root, "package.json"), JSON.stringify({ name: "cad" }))
  return root
}

it("leaves the old file or the new one, whenever it is killed", async () => {
  const box = machine(RANGES)
  await startDaemon(box)
  const root = project()
  const file = join(root, ".env")
  // Large, so that it takes some time to be written.
  const text = "A=1\nPORT=3\n".repeat(20_000)
  writeFileSync(file, text, { mode: 0o600 })
  const write = (mode: string) =>
    spawn(process.execPath, [PROGRAM, "env", "--dir", root, "--write", file, "--mode", mode], {
      env: box.env,
      stdio: "ignore"
    })
  const ended = (child: ReturnType<typeof spawn>) => new Promise((done) => child.once("exit", done))
  const began = performance.now()
  await ended(write("prod"))
  const whole = performance.now() - began
  const prod = readFileSync(file, "utf8")
  await ended(write("dev"))
  const versions = [prod, readFileSync(file, "utf8")]
  expect(versions.map((each) => parse(each.slice(0, 1000))["PORT"])).toEqual(["20700", "20701"])
  for (let round = 0; round < 30; round++) {
    const child = write(round % 2 === 0 ? "prod" : "dev")
    const over = ended(child)
    // At a moment of the second half, in which the file is read and written.
    const timer = setTimeout(() => child.kill("SIGKILL"), whole * (0.4 + (0.8 * round) / 30))
    await over
    clearTimeout(timer)
    expect(versions.includes(readFileSync(file, "utf8"))).toBe(true)
    expect(statSync(file).mode & 0o7777).toBe(0o600)
    for (const name of readdirSync(root)) expect(name).toMatch(/^(package\.json|\.env|\.env\.d-\d+-[0-9a-f]{8}\.tmp)$/)
  }
  // The next one that writes takes away what the killed ones have left.
  writeFileSync(join(root, ".env.d-999999999-01234567.tmp"), "A=1\n")
  writeFileSync(join(root, `.env.d-${process.pid}-01234567.tmp`), "of one that is still at work")
  await box.ok("env", "--dir", root, "--write", file, "--env", "X=port:cad-dev")
  expect(readdirSync(root).sort()).toEqual([".env", `.env.d-${process.pid}-01234567.tmp`, "package.json"])
  // So does one that finds the file up to date.
  writeFileSync(join(root, ".env.d-999999999-01234567.tmp"), "A=1\n")
  expect(await box.ok("env", "--dir", root, "--write", file)).toContain("is up to date")
  expect(readdirSync(root).sort()).toEqual([".env", `.env.d-${process.pid}-01234567.tmp`, "package.json"])
  await box.ok("env", "--dir", root, "--write", file, "--remove")
  expect(readFileSync(file, "utf8")).toBe(text)
})

it("names the directory that does not exist, also behind a link", async () => {
  const box = machine(RANGES)
  const root = project(box.home)
  writeFileSync(join(root, "plain"), "")
  symlinkSync(join(root, "gone/.env"), join(root, "link"))
  const wrong = async (file: string, what: string) =>
    expect(await box.d("env", "--write", file)).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(new RegExp(`^error: cannot read "${join(root, file)}": ${what}\nhint: `))
    })
  await wrong("gone/.env", `there is no directory "${join(root, "gone")}"`)
  await wrong("gone/deeper/.env", `there is no directory "${join(root, "gone/deeper")}"`)
  await wrong("link", `there is no directory "${join(root, "gone")}"`)
  await wrong("plain/.env", `"${join(root, "plain")}" is not a directory`)
  await box.sh("$(d env --write gone/.env 2>&1 | sed -n 's/^hint: make it: //p')")
  await box.ok("env", "--write", "gone/.env")
})

it("says that the disk is full, and leaves the file as it was", async () => {
  const box = machine(RANGES)
  const root = project(box.home)
  await box.ok("env")
  const unshare = isRoot ? "unshare --mount" : "unshare --user --map-root-user --mount"
  mkdirSync(join(root, "small"))
  const lines = [
    "mount -t tmpfs -o size=16k none small",
    'yes "A=1" | head -c 12000 >small/.env',
    "cp small/.env old",
    `${process.execPath} ${PROGRAM} env --write small/.env`,
    "code=$?; cmp small/.env old; ls -A small; exit $code"
  ]
  const run = await box.sh(`${unshare} sh -c '${lines.join("\n")}'`)
  expect(run).toMatchObject({ code: 3, stdout: ".env\n" })
  expect(run.stderr).toMatch(/^error: cannot write "\S+\/small\/.env": the disk is full\nhint: check: ls -ld \S+\n$/)
})

it("does not write a file or in a directory that it may only read", async () => {
  const directory = temporary()
  chmodSync(directory, 0o755)
  const root = project(join(directory, "x").replace(/x$/, ""))
  const state = temporary()
  chmodSync(state, 0o777)
  const env = { ...RANGES, AUTOMATELINUX_DATABASE_URL: `sqlite:${join(state, "ports.sqlite")}` }
  const file = join(root, ".env")
  const write = () => asNobody(env, "env", "--dir", root, "--write", file)
  writeFileSync(file, "A=1\n")
  chmodSync(file, 0o666)
  const run = await write()
  expect(run).toMatchObject({ code: 3, stdout: "" })
  expect(run.stderr).toMatch(/^error: cannot write "\S+": permission denied\n/)
  chmodSync(root, 0o777)
  chmodSync(file, 0o444)
  expect((await write()).stderr).toMatch(/^error: cannot write "\S+": permission denied\n/)
  expect(readFileSync(file, "utf8")).toBe("A=1\n")
  expect(readdirSync(root).sort()).toEqual([".env", "package.json"])
})

it.runIf(isRoot)("keeps the owner of a file, or leaves it alone", async () => {
  const box = machine(RANGES)
  const root = project()
  const file = join(root, ".env")
  writeFileSync(file, "A=1\n")
  chownSync(file, 1234, 4321)
  chmodSync(file, 0o664)
  await box.ok("env", "--dir", root, "--write", file)
  const { gid, mode, uid } = statSync(file)
  expect({ gid, mode: mode & 0o7777, uid }).toEqual({ gid: 4321, mode: 0o664, uid: 1234 })
  // Another user who may write it could not leave it to its owner.
  chmodSync(root, 0o777)
  chmodSync(file, 0o666)
  const state = temporary()
  chmodSync(state, 0o777)
  const env = { ...RANGES, AUTOMATELINUX_DATABASE_URL: `sqlite:${join(state, "ports.sqlite")}` }
  const run = await asUser(NOBODY, env, "env", "--dir", root, "--write", file, "--remove")
  expect(run).toMatchObject({ code: 3, stdout: "" })
  expect(run.stderr).toMatch(/^error: cannot write "\S+": the system does not permit it\n/)
  expect(statSync(file).uid).toBe(1234)
  expect(readdirSync(root).sort()).toEqual([".env", "package.json"])
})

it("is evaluated by shells, and read by Node's own option", async () => {
  const box = machine(RANGES)
  const root = project(box.home)
  const run = await box.sh('eval "$(d env --format shell)" && printenv PORT D_DIR')
  expect(run).toEqual({ code: 0, stdout: `20701\n${root}\n`, stderr: "" })
  writeFileSync(join(root, ".env"), "\ufeffA=1\nPORT=1\n")
  await box.ok("env", "--write", ".env")
  const words = ["--env-file", join(root, ".env"), "-p", "process.env.PORT + process.env.A"]
  expect(execFileSync(process.execPath, words, { env: { PATH: box.env["PATH"] }, encoding: "utf8" })).toBe("207011\n")
  expect(existsSync(join(root, ".env"))).toBe(true)
})

it("keeps one block if twenty write at once", async () => {
  const box = machine(RANGES)
  await startDaemon(box)
  const root = project(box.home)
  writeFileSync(join(root, ".env"), "A=1\nPORT=2\n")
  const runs = await Promise.all(Array.from({ length: 20 }, () => box.d("env", "--write", ".env")))
  expect(runs.map(({ code }) => code)).toEqual(Array.from({ length: 20 }, () => 0))
  expect(parse(readFileSync(join(root, ".env"), "utf8"))).toMatchObject({ A: "1", PORT: "20701" })
  await box.ok("env", "--write", ".env", "--remove")
  expect(readFileSync(join(root, ".env"), "utf8")).toBe("A=1\nPORT=2\n")
})
