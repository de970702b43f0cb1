import { spawn } from "node:child_process"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { type Daemon, type Machine, machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { replyProxy } from "../support/proxy.ts"
import { holdSqlite, withSqlite } from "../support/sqlite.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "30000-30049", AUTOMATELINUX_SPECIAL_RANGE: "30050-30099" }

const served = async () => {
  const box = machine({ ...RANGES, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  const daemon = await startDaemon(box)
  await box.ok("allocate", "--app", "cad")
  return { box, daemon }
}

const fileOf = (box: Machine): string => join(box.home, ".local/state/automatelinux/ports.sqlite")

const saidOf = ({ pid, socket }: Daemon): string =>
  `the daemon at ${socket}, pid ${pid}, does not answer: it is stopped`

describe("beside a daemon that is stopped", () => {
  it.each([
    ["getPort --key cad-dev", /^30001\n$/],
    ["listPorts --json", /^\[\{"key":"cad-prod"/],
    ["setPort --key s --value 30060", /^Port set for s to 30060\n$/],
    ["allocate --app new", /^new-prod 30002\nnew-dev 30003\n$/]
  ])("%s is done without it, and one line says so, and what helps", async (words, answer) => {
    const { box, daemon } = await served()
    daemon.signal("SIGSTOP")
    const run = await box.d(...words.split(" "))
    expect(run).toEqual({
      code: 0,
      stdout: expect.stringMatching(answer),
      stderr: `note: ${saidOf(daemon)}; running without it (kill -CONT ${daemon.pid})\n`
    })
  })

  it.each(["ping", "status"])("%s names it, and the hint helps", async (command) => {
    const { box, daemon } = await served()
    daemon.signal("SIGSTOP")
    const hint = `kill -CONT ${daemon.pid}`
    expect(await box.d(command)).toEqual({ code: 3, stdout: "", stderr: `error: ${saidOf(daemon)}\nhint: ${hint}\n` })
    expect(await box.sh(`${hint} && d ping`)).toMatchObject({ code: 0, stdout: "pong\n" })
  })
})

/** A command, and what it says while it runs. */
const start = (box: Machine, ...words: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [PROGRAM, ...words], { env: box.env, stdio: ["ignore", "pipe", "pipe"] })
  onTestFinished(() => void child.kill("SIGKILL"))
  let stdout = ""
  let stderr = ""
  const waiting: Array<() => void> = []
  child.stdout.on("data", (chunk) => (stdout += chunk))
  child.stderr.on("data", (chunk) => {
    stderr += chunk
    for (const done of waiting) done()
  })
  const ended = new Promise((done) => child.once("close", (code) => done({ code, stdout, stderr })))
  return { ended, says: () => new Promise<string>((done) => waiting.push(() => done(stderr))) }
}

it("waits for a daemon that is stopped after it has taken a change, says so, and makes it once", async () => {
  const { box, daemon } = await served()
  const way = await replyProxy(daemon.socket, () => {
    daemon.signal("SIGSTOP")
    return "pass"
  })
  const run = start(box.with({ AUTOMATELINUX_PORTS_SOCKET: way }), "allocate", "--app", "new")
  const note = await run.says()
  expect(note).toBe(
    `note: the program at ${way} does not answer; waiting for it, because it has taken the command (d doctor --check daemon-running says what to do)\n`
  )
  daemon.signal("SIGCONT")
  expect(await run.ended).toEqual({ code: 0, stdout: "new-prod 30002\nnew-dev 30003\n", stderr: note })
  const changes = withSqlite(fileOf(box), (database) =>
    database.prepare("SELECT key FROM port_history WHERE what = 'allocate' AND key LIKE 'new-%'").all()
  )
  expect(changes).toHaveLength(2)
})

it("waits without a word for a daemon that answers, and waits for its database", async () => {
  const { box, daemon } = await served()
  const holder = await holdSqlite(fileOf(box), "BEGIN IMMEDIATE")
  let greetings = 0
  const greeted = () => {
    // After the command itself, it asks twice whether the daemon still answers.
    if (++greetings === 3) holder.kill("SIGKILL")
  }
  const way = await replyProxy(daemon.socket, () => "pass", undefined, greeted)
  const run = await box.with({ AUTOMATELINUX_PORTS_SOCKET: way }).d("allocate", "--app", "new")
  expect(run).toEqual({ code: 0, stdout: "new-prod 30002\nnew-dev 30003\n", stderr: "" })
  expect(greetings).toBe(3)
})
