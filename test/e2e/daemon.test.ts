import { execFileSync, spawn } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import { userInfo } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import mysql from "mysql2/promise"
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest"
import { type Daemon, listen, type Machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { timeOfDay } from "../support/clock.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { seenUp } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { MariaDb, sharedServer } from "../support/mariadb.ts"
import { asNobody, isRoot } from "../support/otherUser.ts"
import { silentServer } from "../support/proxy.ts"
import { temporary } from "../support/root.ts"
import { client, requestDaemon } from "../support/socketClient.ts"
import { openSqlite } from "../support/sqlite.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "28000-28099", AUTOMATELINUX_SPECIAL_RANGE: "28100-28199" }
const configured = (box: Machine, settings: Readonly<Record<string, string>>): Machine => {
  // In a file, as the environment would be compared with the daemon's.
  mkdirSync(join(box.home, ".config/automatelinux"), { recursive: true })
  writeFileSync(join(box.home, ".config/automatelinux/ports.json"), JSON.stringify(settings))
  return box
}
const fresh = () => configured(inProcess(), { appRange: "28000-28099", specialRange: "28100-28199" })

const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length
const memoryKiB = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])

describe("the protocol", () => {
  let box: Machine
  let daemon: Daemon
  let path: string

  beforeAll(async () => {
    box = fresh()
    daemon = await startDaemon(box, true)
    path = daemon.socket
    await box.ok("allocate", "--app", "cad")
  })

  it.each([
    ["as a line", `printf '{"command":"getPort","key":"cad-dev"}\\n' | socat - UNIX-CONNECT:$S`, "28001\n"],
    ["with \\r\\n", `printf '{"command":"getPort","key":"cad-dev"}\\r\\n' | socat - UNIX-CONNECT:$S`, "28001\n"],
    ["without an end of line", `printf '{"command":"getPort","key":"cad-dev"}' | socat - UNIX-CONNECT:$S`, "28001\n"],
    [
      "with fields of others",
      `printf '{"command":"getPort","key":"cad-dev","tty":"/dev/pts/1","x":{}}\\n' | socat - UNIX-CONNECT:$S`,
      "28001\n"
    ],
    ["after empty lines", `printf '\\n\\r\\n{"command":"ping"}\\n' | socat - UNIX-CONNECT:$S`, "pong\n"],
    [
      "with a number",
      `printf '{"command":"setPort","key":"num","value":28050}\\n' | socat - UNIX-CONNECT:$S`,
      "Port set for num to 28050\n"
    ],
    [
      "with a number in quotes",
      `printf '{"command":"setPort","key":"num","value":"28051"}\\n' | socat - UNIX-CONNECT:$S`,
      "Port set for num to 28051\n"
    ],
    [
      "by a client that closes its half",
      `printf '{"command":"getPort","key":"num"}\\n' | socat -t 5 - UNIX-CONNECT:$S`,
      "28051\n"
    ],
    [
      "after garbage",
      `printf 'garbage\\n{"x\\n{"command":"ping"}\\n' | socat - UNIX-CONNECT:$S`,
      "ERROR: Invalid JSON\nERROR: Invalid JSON\npong\n"
    ],
    [
      "and ends with a line that is JSON and no object",
      `printf '[1]\\n{"command":"ping"}\\n' | socat - UNIX-CONNECT:$S`,
      "ERROR: Invalid JSON\n"
    ],
    [
      "when asked for help as on a command line",
      `printf '{"command":"--help"}\\n' | socat - UNIX-CONNECT:$S | head -1`,
      "d is the registry of TCP ports for everything that runs on a developer's machines.\n"
    ],
    [
      "and nothing after the first plain one",
      `printf '{"command":"ping"}\\n{"command":"ping"}\\n' | socat - UNIX-CONNECT:$S`,
      "pong\n"
    ]
  ])("answers %s", async (_, line, reply) => {
    expect(await box.with({ S: path }).sh(line)).toEqual({ code: 0, stdout: reply, stderr: "" })
  })

  it.each([
    [{ command: "getPort", key: "none" }, "Port not set for none\n"],
    [{ command: "deletePort", key: "none" }, "Port entry not found for none\n"],
    [{ command: "getPort" }, "Missing required arg: key\n"],
    [{ command: "setPort", key: "a" }, "Missing required arg: value\n"],
    [{ key: "a" }, "Missing required arg: command\n"],
    [{ command: 7 }, "Missing required arg: command\n"],
    [{ command: "constructor" }, "Unknown command: constructor\n"],
    [{ command: "daemon" }, "Unknown command: daemon\n"],
    [{ command: "getport", key: "a" }, "Unknown command: getport\n"],
    [
      { command: "setPort", key: "a b", value: 1 },
      `ERROR: key "a b" is not a key: use letters, digits, '.', '_' and '-', beginning with a letter or a digit\n`
    ],
    [
      { command: "setPort", key: "a", value: 1.5 },
      "ERROR: value 1.5 is not a port: write a whole number from 1 to 65535, digits alone\n"
    ],
    [
      { command: "setPort", key: "a", value: 28001 },
      'ERROR: 28001 belongs to cad-dev; a was not set; to insist, add "force":"true"\n'
    ],
    [{ command: "getPort", key: "cad-dev", app: "pt", mode: "x" }, "28001\n"],
    [{ command: "listPorts", app: "cad" }, "KEY        PORT  KIND  HEALTH   DESCRIPTION\n"],
    [{ command: "allocate", app: "one", description: null }, "one-prod 28002\none-dev 28003\n"],
    [{ command: "deletePort", key: "one-prod" }, "Port entry deleted for one-prod\n"],
    [{ command: "listCommands" }, "allocate\ngetPort\nsetPort\nlistPorts\n"],
    [{ command: "version" }, "0.1.0\n"]
  ] as ReadonlyArray<readonly [Record<string, unknown>, string]>)(
    "answers %j in plain text",
    async (request, reply) => {
      const text = await requestDaemon(path, JSON.stringify(request))
      if (["listPorts", "listCommands"].includes(String(request["command"]))) expect(text).toContain(reply)
      else expect(text).toBe(reply)
    }
  )

  it("answers one byte at a time", async () => {
    const each = client(path)
    for (const byte of '{"command":"getPort","key":"cad-dev"}\r\n') await each.write(byte)
    expect(await each.all()).toBe("28001\n")
  })

  it("keeps a connection for JSON, in the order of the requests, and echoes ids", async () => {
    const each = client(path)
    const requests = [
      { command: "getPort", key: "cad-dev", format: "json", id: 1 },
      { command: "getPort", key: "none", format: "json", id: "two" },
      { command: "nothing", format: "json", id: null },
      { command: "ping", format: "json", id: {} },
      { command: "ping", format: "json" }
    ]
    await each.write(requests.map((request) => `${JSON.stringify(request)}\n`).join(""))
    await each.until(/pong.*\n$/)
    const version = "0.1.0"
    expect(
      each
        .text()
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
    ).toEqual([
      { ok: true, version, result: { key: "cad-dev", port: 28001 }, id: 1 },
      {
        ok: false,
        version,
        error: { code: "not-set", message: "Port not set for none", hint: expect.any(String) },
        id: "two"
      },
      {
        ok: false,
        version,
        error: { code: "unknown-command", message: "Unknown command: nothing", hint: expect.any(String) },
        id: null
      },
      {
        ok: false,
        version,
        error: {
          code: "invalid",
          message: expect.stringContaining("must be a string, number, boolean or null"),
          hint: expect.any(String)
        }
      },
      { ok: true, version, result: { pong: true, pid: daemon.pid, waitSeconds: 75, clock: expect.any(Number) } }
    ])
    await each.write('{"command":"getPort","key":"cad-prod"}\n')
    expect((await each.all()).endsWith("\n28000\n")).toBe(true)
  })

  it("survives the misbehaved, and answers everybody else meanwhile", async () => {
    const before = descriptors(daemon.pid)
    const endless = client(path)
    void endless.write(Buffer.alloc(40_000_000, "x"))
    const neverReads = connect(path).on("error", () => {})
    neverReads.pause()
    neverReads.write(`${JSON.stringify({ command: "help", format: "json" })}\n`.repeat(5000))
    const slow = client(path)
    let stopped = false
    const dripping = (async () => {
      for (const byte of '{"command":"ping"}') {
        if (stopped) return
        await slow.write(byte)
        await sleep(1000)
      }
    })()
    const vanishing = Array.from({ length: 50 }, (_, length) => {
      const socket: Socket = connect(path, () =>
        socket.write('{"command":"listPorts"}\n'.slice(0, length % 24), () => socket.destroy())
      )
      return new Promise((done) => socket.once("close", done))
    })
    const many = Array.from({ length: 200 }, () => requestDaemon(path, '{"command":"getPort","key":"cad-dev"}'))
    expect(await Promise.all(many)).toEqual(many.map(() => "28001\n"))
    expect(await endless.all()).toBe("ERROR: Line too long\n")
    await Promise.all(vanishing)
    stopped = true
    await dripping
    neverReads.destroy()
    slow.socket.destroy()
    endless.socket.destroy()
    expect(await requestDaemon(path, '{"command":"ping"}')).toBe("pong\n")
    for (let attempt = 0; descriptors(daemon.pid) > before + 2; attempt++) {
      expect(attempt).toBeLessThan(100)
      await sleep(100)
    }
  })

  it("runs in process, with a line that names the setting, if other ranges matter to the answer", async () => {
    const elsewhere = box.with({ AUTOMATELINUX_APP_RANGE: "28200-28299" })
    expect(await elsewhere.d("allocate", "--app", "new", "--dry-run")).toEqual({
      code: 0,
      stdout: "new-prod 28200\nnew-dev 28201\n",
      stderr:
        'note: the daemon\'s appRange is "28000-28099", and this environment\'s "28200-28299"; running without it\n'
    })
    // The same database is the same registry.
    expect(await elsewhere.d("getPort", "--key", "cad-dev")).toEqual({ code: 0, stdout: "28001\n", stderr: "" })
    expect(await box.with({ AUTOMATELINUX_DAEMON: "never" }).d("ping")).toMatchObject({ code: 3 })
    expect(await box.with({ AUTOMATELINUX_DAEMON: "maybe" }).d("getPort", "--key", "a")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('AUTOMATELINUX_DAEMON "maybe" is wrong')
    })
  })

  it.each([
    ["another variable of XDG's", async (home: string) => ({ XDG_STATE_HOME: join(home, "state") })],
    ["another home", async (home: string) => ({ HOME: join(home, "home") })],
    [
      "another file of settings",
      async (home: string) => {
        mkdirSync(join(home, "config/automatelinux"), { recursive: true })
        const databaseUrl = `sqlite:${join(home, "other.sqlite")}`
        writeFileSync(join(home, "config/automatelinux/ports.json"), JSON.stringify({ databaseUrl }))
        return { XDG_CONFIG_HOME: join(home, "config") }
      }
    ]
  ])("does not take a registry for the daemon's that %s names", async (_, environment) => {
    const settings = { AUTOMATELINUX_APP_RANGE: "28200-28299", AUTOMATELINUX_SPECIAL_RANGE: "28300-28399" }
    const user = inProcess(settings)
    const daemon = await startDaemon(user)
    const shell = user.with(await environment(user.home))
    const run = await shell.d("allocate", "--app", "cad")
    expect([run.code, run.stdout]).toEqual([0, "cad-prod 28200\ncad-dev 28201\n"])
    expect(run.stderr).toMatch(
      /^note: the daemon serves another registry than this environment configures: "sqlite:.*; running without it\n$/
    )
    await daemon.stop()
    // The daemon was never told.
    expect(await shell.ok("allocate", "--app", "shop")).toBe("shop-prod 28202\nshop-dev 28203\n")
    expect(await user.d("getPort", "--key", "cad-dev")).toMatchObject({ code: 1, stdout: "" })
  })

  it("takes one file for one registry, however it is named", async () => {
    const user = inProcess({ AUTOMATELINUX_APP_RANGE: "28200-28299", AUTOMATELINUX_SPECIAL_RANGE: "28300-28399" })
    await startDaemon(user)
    await user.ok("allocate", "--app", "cad")
    const file = join(user.home, ".local/../.local/state/automatelinux/ports.sqlite")
    const named = user.with({ AUTOMATELINUX_DATABASE_URL: `sqlite:${file}` })
    expect(await named.d("getPort", "--key", "cad-dev")).toEqual({ code: 0, stdout: "28201\n", stderr: "" })
  })

  it("tells of a file of settings that was changed after it had started, or cannot be read", async () => {
    const user = inProcess({ AUTOMATELINUX_SPECIAL_RANGE: "28300-28399" })
    await startDaemon(user)
    const file = join(user.home, ".config/automatelinux/ports.json")
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, '{"appRange":"28200-28299"}')
    const run = await user.d("allocate", "--app", "cad")
    expect(run).toEqual({
      code: 0,
      stdout: "cad-prod 28200\ncad-dev 28201\n",
      stderr: 'note: the daemon\'s appRange is "3000-3499", and this environment\'s "28200-28299"; running without it\n'
    })
    writeFileSync(file, "{")
    for (const [code, words] of [
      [2, ["getPort", "--key", "cad-dev"]],
      [125, ["run", "true"]],
      [2, ["env"]],
      [2, ["check"]]
    ] as const)
      expect(await user.d(...words)).toEqual({
        code,
        stdout: "",
        stderr: `error: ${file} is not JSON, at line 1, column 2: it ends too early\nhint: correct it, or move it away to use the defaults\n`
      })
  })

  it.each(["foo", "mysql://box", "postgres://me@db/x"])("is not spoken of beside the error in %s", async (url) => {
    const wrong = box.with({ AUTOMATELINUX_DATABASE_URL: url })
    for (const words of [["listPorts"], ["allocate", "--app", "new"], ["env"], ["doctor"]])
      expect(await wrong.d(...words)).toMatchObject({
        code: 2,
        stdout: "",
        stderr: expect.stringMatching(/^error: AUTOMATELINUX_DATABASE_URL "[^\n]*\nhint: correct it, [^\n]*\n$/)
      })
  })

  it("tells how it is also where the environment names another registry, and says so", async () => {
    const elsewhere = box.with({ AUTOMATELINUX_DATABASE_URL: "sqlite:/elsewhere/ports.sqlite" })
    const stderr = expect.stringMatching(
      /^note: the daemon serves another registry than this environment configures: .*\n$/
    )
    expect(await elsewhere.d("ping")).toEqual({ code: 0, stdout: "pong\n", stderr })
    const run = await elsewhere.d("status", "--json")
    expect(run).toMatchObject({ code: 0, stderr })
    expect(JSON.parse(run.stdout).ranges.app.range).toBe("28000-28099")
  })

  it("goes on when whoever reads its log has gone", async () => {
    const user = inProcess({ AUTOMATELINUX_APP_RANGE: "28200-28299", AUTOMATELINUX_SPECIAL_RANGE: "28300-28399" })
    const run = await user.sh(
      `AUTOMATELINUX_LOG_LEVEL=debug AUTOMATELINUX_PROBE_INTERVAL='100 millis' ${process.execPath} ${PROGRAM} daemon 2> >(head -n 1 >&2) & pid=$!
       until d ping >/dev/null 2>&1; do sleep 0.1; done
       for app in a b c; do d allocate --app $app >/dev/null; sqlite3 ~/.local/state/automatelinux/ports.sqlite "DELETE FROM settings WHERE setting_key = 'port_$app-dev'"; sleep 0.3; done
       d ping; kill $pid; wait $pid`
    )
    expect(run.stdout).toBe("pong\n")
  })

  it("keeps memory and descriptors flat over 10,000 requests and 200 ticks", async () => {
    const busy = configured(fresh(), {
      appRange: "28000-28099",
      specialRange: "28100-28199",
      probeInterval: "20 millis"
    })
    const ticking = await startDaemon(busy)
    await busy.ok("allocate", "--app", "cad")
    const rounds = async (count: number) => {
      const clients = Array.from({ length: 10 }, () => client(ticking.socket))
      const line = `${JSON.stringify({ command: "getPort", key: "cad-dev", format: "json" })}\n`
      for (const each of clients) void each.write(line.repeat(count / 10))
      await Promise.all(
        clients.map(async (each) => {
          while (each.text().split("\n").length <= count / 10) await sleep(10)
          each.socket.destroy()
        })
      )
    }
    const ticks = (count: number) => sleep(count * 30)
    await rounds(5000)
    await ticks(100)
    const open = descriptors(ticking.pid)
    /** What 10,000 requests and 200 ticks add to the memory. */
    const grow = async () => {
      const memory = memoryKiB(ticking.pid)
      await rounds(10_000)
      await ticks(200)
      const grown = memoryKiB(ticking.pid) - memory
      console.log(`memory ${memory} KiB, grown by ${grown} KiB; descriptors ${open}, now ${descriptors(ticking.pid)}`)
      return grown
    }
    // V8 makes its heap larger once or twice. What is never freed would be added each time.
    let grown = await grow()
    for (let left = 3; left > 0 && grown >= 10_000; left--) grown = await grow()
    expect(grown).toBeLessThan(10_000)
    expect(descriptors(ticking.pid)).toBeLessThanOrEqual(open + 1)
  })
})

describe("the service", () => {
  let box: Machine
  beforeEach(() => {
    box = fresh()
  })

  it("makes its socket for its owner alone, and removes it when it is stopped", async () => {
    const daemon = await startDaemon(box)
    expect(statSync(daemon.socket).mode & 0o777).toBe(0o600)
    expect(statSync(join(daemon.socket, "..")).mode & 0o777).toBe(0o700)
    expect(await box.ok("getSocketPath")).toBe(`${daemon.socket}\n`)
    for (const signal of ["SIGTERM"] as const) expect(await daemon.stop(signal)).toBe(0)
    expect(existsSync(daemon.socket)).toBe(false)
    expect(daemon.log()).toMatch(/level=INFO .*message=serving .*\n(.*\n)*.*message=stopped/)
    const again = await startDaemon(box)
    expect(await again.stop("SIGINT")).toBe(0)
  })

  it("lets a group in where one is configured, and nobody where there is no such group", async () => {
    const group = execFileSync("id", ["-gn"], { encoding: "utf8" }).trim()
    const daemon = await startDaemon(box.with({ AUTOMATELINUX_SOCKET_GROUP: group }))
    expect(statSync(daemon.socket).mode & 0o777).toBe(0o660)
    expect(statSync(join(daemon.socket, "..")).mode & 0o777).toBe(0o750)
    await daemon.stop()
    const run = await box.with({ AUTOMATELINUX_SOCKET_GROUP: "no-such-group" }).d("daemon")
    expect(run).toMatchObject({
      code: 3,
      stdout: "",
      stderr: "error: there is no group no-such-group\nhint: correct AUTOMATELINUX_SOCKET_GROUP\n"
    })
  })

  it("refuses to start twice, and names the first one's pid", async () => {
    const daemon = await startDaemon(box)
    expect(await box.d("daemon")).toEqual({
      code: 3,
      stdout: "",
      stderr: `error: a daemon already serves ${daemon.socket}, pid ${daemon.pid}\nhint: d status shows more\n`
    })
    expect(await box.ok("ping")).toBe("pong\n")
  })

  it("lets one of several that start at once win", async () => {
    const starts = await Promise.allSettled(Array.from({ length: 5 }, () => startDaemon(box)))
    const [winner, ...others] = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []))
    expect(others).toEqual([])
    const refusals = starts.flatMap((start) => (start.status === "rejected" ? [String(start.reason)] : []))
    expect(refusals).toHaveLength(4)
    for (const refusal of refusals) expect(refusal).toContain(`pid ${winner?.pid}\n`)
    expect(await box.ok("ping")).toBe("pong\n")
  })

  it("takes over the socket of a daemon that was killed", async () => {
    const daemon = await startDaemon(box)
    await daemon.stop("SIGKILL")
    expect(existsSync(daemon.socket)).toBe(true)
    // Without a daemon the command runs all the same.
    expect(await box.ok("allocate", "--app", "a")).toBe("a-prod 28000\na-dev 28001\n")
    expect(await box.d("ping")).toMatchObject({
      code: 3,
      stderr: `error: no daemon answers at ${daemon.socket}\nhint: d daemon start\n`
    })
    await startDaemon(box)
    expect(await box.ok("ping")).toBe("pong\n")
  })

  it("does not take what is not its own", async () => {
    const socket = box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
    mkdirSync(join(socket, ".."), { mode: 0o700 })
    writeFileSync(socket, "mine")
    expect(await box.d("daemon")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("already exists and is not a socket owned by you")
    })
    expect(readFileSync(socket, "utf8")).toBe("mine")
    const linked = box.with({ AUTOMATELINUX_PORTS_SOCKET: join(box.home, "link") })
    symlinkSync(socket, join(box.home, "link"))
    expect(await linked.d("daemon")).toMatchObject({ code: 3, stderr: expect.stringContaining("already exists") })
    const other = join(box.home, "other.sock")
    const server = createServer((each) => each.on("error", () => {}).end("not JSON\n")).listen(other)
    onTestFinished(() => void server.close())
    expect(await box.with({ AUTOMATELINUX_PORTS_SOCKET: other }).d("daemon")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`another program serves ${other}`)
    })
  })

  it("answers what was asked before it stops", async () => {
    const daemon = await startDaemon(box)
    await box.ok("allocate", "--app", "a")
    const asking = Array.from({ length: 50 }, () => requestDaemon(daemon.socket, '{"command":"getPort","key":"a-dev"}'))
    await sleep(30)
    const stopped = daemon.stop()
    const replies = await Promise.all(asking)
    expect(replies.filter((reply) => reply !== "28001\n" && reply !== "")).toEqual([])
    expect(replies).toContain("28001\n")
    expect(await stopped).toBe(0)
  })

  /** Something at the daemon's path that answers each line like this. */
  const impostor = (answers: (line: string) => string | undefined) => {
    const socket = box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
    mkdirSync(join(socket, ".."), { mode: 0o700 })
    const heard: Array<string> = []
    const server = createServer((each) => {
      each
        .on("error", () => {})
        .on("data", (chunk) => {
          for (const line of String(chunk).trimEnd().split("\n")) {
            heard.push(JSON.parse(line).command)
            const answer = answers(line)
            if (answer === undefined) each.destroy()
            else each.write(answer)
          }
        })
    }).listen(socket)
    onTestFinished(() => void server.close())
    return heard
  }

  it("does not let a daemon of another kind make a change", async () => {
    const heard = impostor(() => "pong\n")
    expect(await box.ok("setPort", "--key", "a", "--value", "28150")).toBe("Port set for a to 28150\n")
    expect(await box.ok("deletePort", "--key", "a")).toContain("deleted")
    expect(heard).toEqual(["ping", "ping"])
    expect(await box.d("getPort", "--key", "a")).toMatchObject({ code: 1, stdout: "" })
  })

  it("runs in process what the daemon did not take", async () => {
    impostor(() => "ERROR: Too many connections\n")
    expect(await box.d("deletePort", "--key", "none")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Port entry not found")
    })
  })

  it("does not do what its client no longer waits for", async () => {
    const daemon = await startDaemon(box)
    const late = { command: "setPort", key: "late", value: 28150, format: "json", until: Date.now() - 1 }
    const each = client(daemon.socket)
    void each.write(`${JSON.stringify(late)}\n`)
    expect(await each.until(/\n/)).toContain("the request expired before it was started")
    expect(await box.d("getPort", "--key", "late")).toMatchObject({ code: 1 })
  })

  it("knows when its client stops waiting by its own clock, whatever the time of day is set to", async () => {
    const clock = timeOfDay()
    const daemon = await startDaemon(box.with(clock.env))
    const each = client(daemon.socket)
    const change = async (key: string, value: number, wait: number, set: number) => {
      const { clock: shown } = JSON.parse(await box.ok("ping", "--json"))
      clock.set(set)
      const request = { command: "setPort", key, value, format: "json", deadline: shown + wait }
      void each.write(`${JSON.stringify(request)}\n`)
      return each.until(new RegExp(`"key":"${key}"|expired`))
    }
    expect(await change("ahead", 28_151, 60_000, 86_400)).toContain('"port":28151')
    expect(await change("late", 28_152, -1, 0)).toContain("the request expired before it was started")
    expect(await box.d("getPort", "--key", "late")).toMatchObject({ code: 1 })
  })

  it("is waited for as long as it says that a change may take", async () => {
    const clock = 1_000_000
    const ends: Array<number | undefined> = []
    impostor((line) => {
      const { command, deadline, id } = JSON.parse(line)
      if (command !== "ping") ends.push(deadline)
      const result = command === "ping" ? { pong: true, pid: 1, waitSeconds: 70, clock } : { key: "a", port: 28150 }
      return `${JSON.stringify({ ok: true, version: "0.1.0", result, id })}\n`
    })
    await box.ok("setPort", "--key", "a", "--value", "28150")
    // What only reads may be answered late.
    await box.ok("getPort", "--key", "a")
    expect(ends).toEqual([clock + 65_000, undefined])
  })

  it("goes on where its log cannot be written", async () => {
    const socket = box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
    const run = box.sh(
      `d daemon 2> /dev/full & p=$!; for i in $(seq 100); do [ -S ${socket} ] && break; sleep 0.1; done; sleep 0.5; d ping; kill $(d ping --json | grep -o '"pid":[0-9]*' | cut -d: -f2); wait $p; echo $?`
    )
    expect((await run).stdout).toBe("pong\n0\n")
  })

  it("makes a change itself if the daemon takes it and dies", async () => {
    await box.with({ AUTOMATELINUX_DAEMON: "never" }).ok("allocate", "--app", "a")
    const greeting = '{"ok":true,"version":"0.1.0","result":{"pong":true,"pid":1,"waitSeconds":75,"clock":1}}\n'
    impostor((line) => (line.includes("ping") ? greeting : undefined))
    await box.ok("deletePort", "--key", "a-dev")
    expect((await box.d("getPort", "--key", "a-dev")).code).toBe(1)
    expect(await box.ok("allocate", "--app", "a")).toBe("a-prod 28000\na-dev 28001\n")
    expect(await box.ok("getPort", "--key", "a-dev")).toBe("28001\n")
  })

  it("tells how it is", async () => {
    const daemon = await startDaemon(box)
    await box.ok("allocate", "--app", "a", "--special", "s")
    const status = JSON.parse(await box.ok("status", "--json"))
    expect(status).toMatchObject({
      version: "0.1.0",
      pid: daemon.pid,
      database: { kind: "Sqlite", error: null },
      ranges: { app: { range: "28000-28099", slots: 50, claimed: 1 }, special: { slots: 100, claimed: 1 } }
    })
    expect(await box.ok("status")).toMatch(
      /^daemon {5}0.1.0, pid \d+, up \d+ s\ndatabase {3}the registry's file .*\nlast probe .*\napps .*\nspecials .*\nhealth .*\n$/
    )
  })
})

describe("the database of a running daemon", () => {
  it("may be away when it starts and later, stopped or silent, and come back", async () => {
    const server = await MariaDb.start()
    onTestFinished(() => server.kill())
    await server.database()
    const url = server.overTcp()
    await server.kill()
    const box = configured(inProcess(), {
      ...Object.fromEntries(
        Object.entries(RANGES).map(([name, value]) => [
          name === "AUTOMATELINUX_APP_RANGE" ? "appRange" : "specialRange",
          value
        ])
      ),
      databaseUrl: url,
      databaseTimeout: "2 seconds",
      probeInterval: "1 seconds"
    })
    const daemon = await startDaemon(box)
    const trouble = async (reason: RegExp) => {
      const run = await box.d("getPort", "--key", "a-dev")
      expect([run.code, run.stdout]).toEqual([3, ""])
      expect(run.stderr).toMatch(reason)
      expect(run.stderr).not.toContain("secret")
      expect(await box.ok("ping")).toBe("pong\n")
    }
    await trouble(/nothing listens there/)
    expect(JSON.parse(await box.ok("status", "--json")).database).toMatchObject({
      latencyMs: null,
      error: expect.stringContaining("nothing listens there")
    })

    await server.restart()
    expect(await box.ok("allocate", "--app", "a")).toBe("a-prod 28000\na-dev 28001\n")

    await server.kill()
    await trouble(/nothing listens there|connection broke/)
    await server.restart()
    expect(await box.ok("getPort", "--key", "a-dev")).toBe("28001\n")

    server.signal("SIGSTOP")
    const slow = box.d("getPort", "--key", "a-dev")
    for (let index = 0; index < 5; index++)
      expect(await requestDaemon(daemon.socket, '{"command":"ping"}')).toBe("pong\n")
    expect((await slow).code).toBe(3)
    server.signal("SIGCONT")
    expect(await box.ok("getPort", "--key", "a-dev")).toBe("28001\n")

    // The ticks went on by themselves.
    const before = JSON.parse(await box.ok("status", "--json")).lastTick?.at
    for (let attempt = 0; ; attempt++) {
      const { lastTick } = JSON.parse(await box.ok("status", "--json"))
      if (lastTick !== null && lastTick.at !== before) break
      expect(attempt).toBeLessThan(50)
      await sleep(300)
    }
    expect(daemon.log()).not.toContain("secret")
    expect(await daemon.stop()).toBe(0)
  })
})

it("tells how it is within some seconds, also while its database is silent", async () => {
  const path = await silentServer()
  const box = inProcess({
    ...RANGES,
    AUTOMATELINUX_DATABASE_URL: `mysql://ports:secret@localhost/ports?socket=${path}`,
    AUTOMATELINUX_DATABASE_TIMEOUT: "1 minute"
  })
  const daemon = await startDaemon(box)
  expect(JSON.parse(await box.ok("ping", "--json"))).toEqual({
    pong: true,
    pid: daemon.pid,
    waitSeconds: 130,
    clock: expect.any(Number)
  })
  const { database, pid } = JSON.parse(await box.ok("status", "--json"))
  expect(pid).toBe(daemon.pid)
  const label = `database ports at ${path} as ports`
  expect(database).toMatchObject({ label, latencyMs: null, error: `cannot use ${label}: it does not answer` })
})

describe("a connection of the pool", () => {
  const served = async () => {
    const env = await mariadb.fresh()
    const box = inProcess({
      ...RANGES,
      ...env,
      AUTOMATELINUX_PROBE_INTERVAL: "1 hour",
      AUTOMATELINUX_DATABASE_TIMEOUT: "1 seconds"
    })
    await startDaemon(box)
    await box.ok("allocate", "--app", "a")
    return { box, database: /\/(\w+)\?/.exec(env["AUTOMATELINUX_DATABASE_URL"] ?? "")?.[1] ?? "" }
  }

  it("may be dropped for its silence: the next question gets another", async () => {
    const { box } = await served()
    await sleep(4000)
    expect(await box.d("getPort", "--key", "a-dev")).toEqual({ code: 0, stdout: "28001\n", stderr: "" })
  })

  it("keeps no transaction open that could not begin: answers are never older than the database's own", async () => {
    const { box, database } = await served()
    const server = await sharedServer()
    const other = await mysql.createConnection({ socketPath: server.socket, user: "root", database })
    onTestFinished(() => other.destroy())
    await other.query("START TRANSACTION")
    await other.query("SELECT * FROM port_registry FOR UPDATE")
    expect((await box.d("allocate", "--app", "b")).code).toBe(3)
    await other.query("ROLLBACK")
    for (let port = 28050; port < 28060; port++) {
      await other.query("UPDATE settings SET setting_value = ? WHERE setting_key = 'port_a-dev'", [String(port)])
      expect(await box.ok("getPort", "--key", "a-dev")).toBe(`${port}\n`)
    }
  })
})

describe("the health of the ports", () => {
  it("is listed with since when, and what listens, and can be asked for", async () => {
    const box = configured(fresh(), { appRange: "28000-28099", probeInterval: "100 millis" })
    const daemon = await startDaemon(box)
    await box.ok("allocate", "--app", "a")
    await listen(28001, "127.0.0.1")
    await seenUp(box, "a-dev")
    const [prod, dev] = JSON.parse(await box.ok("listPorts", "--json"))
    const time = expect.stringMatching(/^\d{4}-.*Z$/)
    expect(prod).toMatchObject({
      health: { state: "down", since: time, lastUp: null, checkedAt: time },
      listener: null
    })
    expect(dev).toMatchObject({
      health: { state: "up", since: time, lastUp: time, checkedAt: time },
      listener: { pid: process.pid }
    })
    expect(await box.ok("listPorts", "--health", "up")).toMatch(/^KEY .*\na-dev +28001 {2}dev +up$/m)
    expect(await box.ok("listPorts", "--health", "stale")).toBe("KEY  PORT  KIND  HEALTH  DESCRIPTION\n")
    expect(daemon.log()).toMatch(/message="a-dev is up" was=\w+ listener=".*pid \d+.*" port=28001/)
  })

  it.each([sqlite, mariadb])("is stored as it is when the daemon stops, on $name", async (database) => {
    const { AUTOMATELINUX_DATABASE_URL: databaseUrl } = await database.fresh()
    const more: Record<string, string> = databaseUrl === undefined ? {} : { databaseUrl }
    const box = configured(fresh(), { appRange: "28000-28099", probeInterval: "100 millis", ...more })
    await box.ok("allocate", "--app", "a")
    const daemon = await startDaemon(box)
    const lastTick = async () => JSON.parse(await box.ok("status", "--json")).lastTick?.at
    let first: string | undefined
    while (first === undefined) first = await lastTick()
    // Later than what a round has stored, which is once a minute.
    let last = first
    while (Date.parse(last) < Date.parse(first) + 1000) last = await lastTick()
    expect(await daemon.stop()).toBe(0)
    const [{ health }] = JSON.parse(await box.ok("listPorts", "--json"))
    expect(Date.parse(health.checkedAt)).toBeGreaterThanOrEqual(Date.parse(last))
  })

  it("does not keep a daemon from stopping if the database is locked", async () => {
    const box = configured(fresh(), {
      appRange: "28000-28099",
      probeInterval: "100 millis",
      databaseTimeout: "1 minute"
    })
    await box.ok("allocate", "--app", "a")
    const daemon = await startDaemon(box)
    while (!(await box.ok("listPorts")).includes(" down")) await sleep(50)
    const database = openSqlite(join(box.home, ".local/state/automatelinux/ports.sqlite"))
    onTestFinished(() => database.close())
    database.exec("BEGIN IMMEDIATE")
    const began = performance.now()
    expect(await daemon.stop()).toBe(0)
    expect(performance.now() - began).toBeLessThan(20_000)
  })

  it("says how old it is where no daemon looks", async () => {
    const box = configured(fresh(), { appRange: "28000-28099", probeInterval: "100 millis", host: "box" })
    const daemon = await startDaemon(box)
    await box.ok("allocate", "--app", "a")
    while (!/ down$/m.test(await box.ok("listPorts"))) await sleep(50)
    await daemon.stop()
    expect((await box.d("listPorts")).stderr).toBe("")
    const db = openSqlite(join(box.home, ".local/state/automatelinux/ports.sqlite"))
    db.prepare("UPDATE port_registry SET value = '1 ' || ? WHERE name = 'watched:box'").run(
      new Date(Date.now() - 3 * 3600e3).toISOString()
    )
    db.close()
    expect(await box.d("listPorts")).toMatchObject({
      code: 0,
      stderr: "note: health is 3 hours old: no daemon is probing the ports: d daemon start\n"
    })
  })
})

describe("who listens", () => {
  it("is named with what a container engine passes on to", async () => {
    const box = fresh()
    const script = join(box.home, "proxy.js")
    writeFileSync(script, `require("node:net").createServer().listen(28000, "127.0.0.1", () => console.log("up"))`)
    const child = spawn(
      process.execPath,
      [script, "-host-port", "28000", "-container-ip", "172.17.0.2", "-container-port", "80"],
      {
        stdio: ["ignore", "pipe", "ignore"],
        cwd: box.home
      }
    )
    onTestFinished(() => void child.kill("SIGKILL"))
    await new Promise((done) => child.stdout.once("data", done))
    expect((await box.d("allocate", "--app", "a")).stderr).toBe(
      `skipped 28000: node, pid ${child.pid}, for 172.17.0.2:80 in a container, in ${box.home}\n`
    )
  })

  it("is named by its user alone where this user may not look further", async () => {
    const directory = temporary()
    chmodSync(directory, 0o777)
    await listen(28060, "127.0.0.1")
    const run = await asNobody(
      {
        ...RANGES,
        AUTOMATELINUX_APP_RANGE: "28060-28099",
        AUTOMATELINUX_DATABASE_URL: `sqlite:${directory}/ports.sqlite`
      },
      "allocate",
      "--app",
      "a"
    )
    expect(run).toMatchObject({ code: 0, stdout: "a-prod 28062\na-dev 28063\n" })
    const me = userInfo().username
    expect(run.stderr).toBe(
      isRoot
        ? `skipped 28060: a process of ${me} (details not visible to you)\n`
        : expect.stringContaining("skipped 28060: ")
    )
  })
})
