import { spawn } from "node:child_process"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { machine, PROGRAM } from "../support/cli.ts"
import { temporary } from "../support/root.ts"
import { holdSqlite } from "../support/sqlite.ts"

const RANGE = { AUTOMATELINUX_APP_RANGE: "24200-24299", AUTOMATELINUX_SPECIAL_RANGE: "24300-24399" }

const used = async () => {
  const file = join(temporary(), "ports.sqlite")
  const box = machine({ ...RANGE, AUTOMATELINUX_DATABASE_URL: `sqlite:${file}` })
  await box.ok("allocate", "--app", "a")
  return { box, file }
}

it.each([
  ["writes", "BEGIN IMMEDIATE"],
  ["has it for itself", "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"]
])("names the process that %s, after 5 seconds in which nothing moves", async (_, statements) => {
  const { box, file } = await used()
  const { pid } = await holdSqlite(file, statements)
  const { code, stderr, stdout } = await box.d("allocate", "--app", "b")
  expect([code, stdout]).toEqual([3, ""])
  expect(stderr).toBe(
    `error: cannot use the registry's file ${file}: it is locked by another program: sqlite3, pid ${pid}\n` +
      `hint: to see what it does: ps -fp ${pid}\n`
  )
})

/** Another program that has the lock for as long each time, and leaves no gap on purpose. Resolves once it has it. */
const busyWriter = (file: string, rounds: number, seconds: number): Promise<void> =>
  new Promise((begun) => {
    const writer = spawn("sqlite3", [file], { stdio: ["pipe", "pipe", "inherit"] })
    onTestFinished(() => void writer.kill("SIGKILL"))
    writer.stdout.once("data", () => begun())
    const script = Array.from(
      { length: rounds },
      (_, round) =>
        `BEGIN IMMEDIATE;\nINSERT INTO settings VALUES ('theme${round}', 'dark');\n` +
        `.print held\n.shell sleep ${seconds}\nCOMMIT;\n`
    )
    writer.stdin.end(`.timeout 60000\n${script.join("")}`)
  })

/** On a busy machine the writer may be stopped between two of its transactions, and the lock be found free. */
const LUCK = { retry: 3 }

it("waits for longer than that while others make progress", LUCK, async () => {
  const { box, file } = await used()
  const began = performance.now()
  await busyWriter(file, 4, 2)
  expect(await box.ok("allocate", "--app", "b")).toBe("b-prod 24202\nb-dev 24203\n")
  expect(performance.now() - began).toBeGreaterThan(7000)
})

it.each([200, 1000])("waits no longer than %i ms if it is told so, whoever makes progress", LUCK, async (limit) => {
  const { box, file } = await used()
  await busyWriter(file, 16, 0.5)
  const began = performance.now()
  const run = await box.with({ AUTOMATELINUX_DATABASE_TIMEOUT: `${limit} millis` }).d("allocate", "--app", "b")
  expect(run.code).toBe(3)
  expect(performance.now() - began).toBeLessThan(limit + 1500)
})

it("ends at once when it is interrupted while it waits", async () => {
  const { box, file } = await used()
  await holdSqlite(file, "BEGIN IMMEDIATE")
  const began = performance.now()
  const run = await box.sh(`${process.execPath} ${PROGRAM} allocate --app b & sleep 1; kill -TERM $!; wait $!; echo $?`)
  expect(run.stdout).toBe("130\n")
  expect(performance.now() - began).toBeLessThan(4000)
})
