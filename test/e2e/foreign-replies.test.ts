import { mkdirSync } from "node:fs"
import { createServer, type Socket } from "node:net"
import { dirname } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { asProgram, type Machine } from "../support/cli.ts"
import { inProcess } from "../support/inProcess.ts"

/** A program at the daemon's path that is none, or that has gone mad: `d` answers all the same, soon, and says so. */

const RANGES = { AUTOMATELINUX_APP_RANGE: "25400-25449", AUTOMATELINUX_SPECIAL_RANGE: "25450-25499" }

/** A program at the socket's path that does `speak` for each line that it gets, until the test is over. */
const program = async (box: Machine, speak: (socket: Socket, line: string) => void): Promise<ReadonlyArray<string>> => {
  const path = box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const heard: Array<string> = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket
      .on("error", () => {})
      .on("data", (chunk) => {
        for (const line of String(chunk).trimEnd().split("\n")) {
          heard.push(JSON.parse(line).command)
          speak(socket, line)
        }
      })
  })
  await new Promise<void>((done) => server.listen(path, () => done()))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return heard
}

const PING = { ok: true, version: "0.1.0", result: { pong: true, pid: 4711, waitSeconds: 31, clock: 1 } }

/** An answer to `ping` for whoever asks that, and `reply` for everything else. */
const after =
  (reply: string) =>
  (socket: Socket, line: string): void =>
    void socket.write(`${JSON.parse(line).command === "ping" ? JSON.stringify(PING) : reply}\n`)

const REPLIES: ReadonlyArray<unknown> = [
  { ok: false },
  { ok: false, version: "0.1.0" },
  { ok: false, version: "0.1.0", error: null },
  { ok: false, version: "0.1.0", error: { code: "no-such-code", message: "m", hint: "h" } },
  { ok: false, version: "0.1.0", error: { code: "constructor", message: "m", hint: "h" } },
  { ok: false, version: "0.1.0", error: { code: "conflict", message: ["m"], hint: "h" } },
  { ok: true },
  { ok: true, version: "0.1.0" },
  { ok: true, version: "0.1.0", result: null },
  { ok: true, version: "0.1.0", result: 7 },
  { ok: true, version: "0.1.0", result: [null] },
  { ok: true, version: "0.1.0", result: { pong: true, pid: "1; rm -rf ~", waitSeconds: 1, key: "cad-dev", port: "1" } },
  { ok: true, version: "0.1.0", result: { pong: true, pid: -1, waitSeconds: 1, key: "cad-dev", port: 0 } },
  { ok: true, version: "0.1.0", result: { pong: true, pid: 1, waitSeconds: 1, key: {}, port: 25_401 }, notes: [7] },
  { ok: true, version: "\u001b[2J", result: { pong: true, pid: 1, waitSeconds: 1, key: "cad-dev", port: 25_401 } },
  { ok: 1, version: "0.1.0", result: {} },
  null,
  [],
  "pong",
  7
]

const COMMANDS: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
  [["getPort", "--key", "cad-dev"], "25401\n"],
  [["listPorts"], "KEY "],
  [["explain", "--key", "cad-dev"], "port "],
  [["allocate", "--app", "cad"], "cad-prod 25400\ncad-dev 25401\n"],
  [["setPort", "--key", "cad-dev", "--description", "x"], "Description set for cad-dev\n"],
  [["doctor", "--check", "pair-broken"], "all is well"]
]

describe("a program at the socket's path", () => {
  it("is no daemon if its replies are not", async () => {
    for (const reply of REPLIES) {
      const box = inProcess(RANGES)
      await box.with({ AUTOMATELINUX_DAEMON: "never" }).ok("allocate", "--app", "cad")
      const text = JSON.stringify(reply)
      await program(box, (socket) => void socket.write(`${text}\n`))
      const run = await box.d("getPort", "--key", "cad-dev")
      expect(run, text).toEqual({ code: 0, stdout: "25401\n", stderr: "" })
      const path = box.env["AUTOMATELINUX_PORTS_SOCKET"]
      // As an answer to ping, the last ones are no daemon's either.
      expect(await box.d("ping"), text).toEqual({
        code: 3,
        stdout: "",
        stderr: `error: the program at ${path} is not a daemon of d\nhint: d doctor --check daemon-running says what to do\n`
      })
      expect(await box.d("status"), text).toMatchObject({ code: 3, stdout: "" })
      const { findings } = JSON.parse((await box.d("doctor", "--json", "--check", "daemon-running")).stdout)
      expect(findings).toMatchObject([
        {
          severity: "info",
          message: `the socket ${path} is served by another program; commands run without it`
        }
      ])
      expect(JSON.stringify(findings)).not.toContain("rm -rf")
    }
  })

  it("that answers ping well, and then something else, changes no answer", async () => {
    const box = inProcess(RANGES)
    await box.with({ AUTOMATELINUX_DAEMON: "never" }).ok("allocate", "--app", "cad")
    for (const [words, answer] of COMMANDS) {
      const other = inProcess({ ...RANGES, HOME: box.home })
      await program(other, after('{"ok":true,"version":"0.1.0","result":{"key":7,"port":null}}'))
      const run = await other.d(...words)
      expect([run.code, run.stderr], words.join()).toEqual([0, ""])
      expect(run.stdout.startsWith(answer), run.stdout).toBe(true)
    }
    // What it may have done is looked for, and done if it was not.
    const heard = await program(box, after('{"ok":true,"version":"0.1.0","result":null}'))
    expect(await box.ok("release", "--app", "cad")).toBe("cad-prod 25400\ncad-dev 25401\n")
    expect(heard).toEqual(["ping", "release"])
  })

  it("may speak as slowly as it likes, and before it is asked", async () => {
    const drip = (socket: Socket) => {
      const timer = setInterval(() => socket.write("x"), 500)
      socket.once("close", () => clearInterval(timer))
    }
    const slow = inProcess(RANGES)
    await slow.with({ AUTOMATELINUX_DAEMON: "never" }).ok("allocate", "--app", "cad")
    await program(slow, drip)
    const answers = inProcess(RANGES)
    await answers.with({ AUTOMATELINUX_DAEMON: "never" }).ok("allocate", "--app", "cad")
    await program(answers, (socket, line) => {
      if (JSON.parse(line).command === "ping") socket.write(`${JSON.stringify(PING)}\n{"ok":true,"version":"0.1.0"}\n`)
      else drip(socket)
    })
    const timed = async (box: Machine, ...words: ReadonlyArray<string>) => {
      const start = performance.now()
      const run = await box.d(...words)
      return { ...run, seconds: (performance.now() - start) / 1000 }
    }
    const [question, change, doctor, lost] = await Promise.all([
      timed(slow, "getPort", "--key", "cad-dev"),
      timed(slow, "setPort", "--key", "cad-dev", "--value", "25403"),
      timed(slow, "doctor", "--check", "daemon-running"),
      timed(answers, "deletePort", "--key", "cad-dev")
    ])
    expect(question).toMatchObject({ code: 0, stdout: expect.stringMatching(/^2540[13]\n$/) })
    expect(question.seconds).toBeLessThan(40)
    // A change is not even sent.
    expect(change).toMatchObject({ code: 0, stdout: "Port set for cad-dev to 25403\n" })
    expect(change.seconds).toBeLessThan(15)
    expect(doctor.stdout).toContain("does not answer")
    expect(doctor.seconds).toBeLessThan(20)
    expect(lost).toMatchObject({ code: 0, stderr: "" })
    expect(lost.seconds).toBeLessThan(40)
  })

  it("may write a line without end: it is read up to a limit", async () => {
    const box = inProcess(RANGES)
    await box.with({ AUTOMATELINUX_DAEMON: "never" }).ok("allocate", "--app", "cad")
    const chunk = Buffer.alloc(1 << 20, "x")
    await program(box, (socket) => {
      const write = () => {
        while (!socket.destroyed && socket.write(chunk));
      }
      socket.on("drain", write)
      write()
    })
    const start = performance.now()
    const small = box.with({ NODE_OPTIONS: "--max-old-space-size=256" }).by(asProgram)
    const run = await small.d("getPort", "--key", "cad-dev")
    expect(run).toEqual({ code: 0, stdout: "25401\n", stderr: "" })
    expect(performance.now() - start).toBeLessThan(15_000)
  })
})
