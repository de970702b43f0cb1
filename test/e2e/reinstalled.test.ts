import { type ChildProcess, spawn } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { version } from "../../package.json"
import { type Machine, machine, PROGRAM } from "../support/cli.ts"
import { findingOf, until } from "../support/doctor.ts"
import { MariaDb } from "../support/mariadb.ts"
import { temporary } from "../support/root.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "31200-31249", AUTOMATELINUX_SPECIAL_RANGE: "31250-31299" }

/** Copies the dependency `name` with all that it depends on. */
const copyDependency = (name: string, to: string): void => {
  if (existsSync(join(to, name))) return
  cpSync(join("node_modules", name), join(to, name), { recursive: true })
  const { dependencies = {} } = JSON.parse(readFileSync(join("node_modules", name, "package.json"), "utf8"))
  for (const each of Object.keys(dependencies)) copyDependency(each, to)
}

/** An installation as npm makes it, of files of its own, which may be taken away and put back. */
const install = (edit?: (text: string) => string) => {
  const root = temporary()
  const [dist, modules] = [join(root, "dist"), join(root, "node_modules")]
  cpSync(dirname(PROGRAM), dist, { recursive: true })
  copyDependency("mysql2", modules)
  if (edit !== undefined)
    for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((each) => /\.cjs$/.test(each)))
      writeFileSync(join(dist, name), edit(readFileSync(join(dist, name), "latin1")), "latin1")
  const away = join(root, "away")
  mkdirSync(away)
  return {
    program: join(dist, "d.cjs"),
    dist,
    modules,
    takeAway: () => {
      renameSync(dist, join(away, "dist"))
      renameSync(modules, join(away, "node_modules"))
    },
    putBack: () => {
      renameSync(join(away, "dist"), dist)
      renameSync(join(away, "node_modules"), modules)
    },
    /** What the command line of this installation comes to. */
    d: (box: Machine, words: string) => box.sh(`${process.execPath} ${join(dist, "d.cjs")} ${words}`)
  }
}

type Installation = ReturnType<typeof install>

/** Runs the daemon of an installation; `ready` is called the moment it serves. */
const start = async ({ program }: Installation, box: Machine, ready = () => {}) => {
  const child: ChildProcess = spawn(process.execPath, [program, "daemon"], {
    env: box.env,
    cwd: box.home,
    stdio: ["ignore", "ignore", "pipe"]
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  let log = ""
  const ended = new Promise<number | null>((done) => child.once("close", done))
  await Promise.race([
    ended,
    new Promise<void>((done) =>
      child.stderr?.on("data", (chunk) => {
        const before = log
        log += chunk
        if (before.includes("message=serving") || !log.includes("message=serving")) return
        ready()
        done()
      })
    )
  ])
  return {
    pid: child.pid,
    log: () => log,
    ended,
    stop: () => {
      child.kill("SIGTERM")
      return ended
    }
  }
}

const everything = async (box: Machine, app: string) => {
  await box.ok("allocate", "--app", app, "--special", `${app}-special`)
  await box.ok("setPort", "--key", "x", "--value", "31299", "--force")
  expect(await box.ok("getPort", "--key", "x")).toBe("31299\n")
  // The last two are made in the daemon, with all that is needed for their text.
  const { socket } = { socket: box.env["AUTOMATELINUX_PORTS_SOCKET"] }
  for (const command of ["listPorts", "doctor", "status"])
    expect(
      (await box.sh(`printf '{"command":"${command}"}\\n' | socat -t 30 - UNIX-CONNECT:${socket}`)).stdout
    ).toMatch(/31200|mend|all is well|app/)
  expect(
    (await box.sh(`printf '{"command":"explain","key":"x"}\\n' | socat -t 30 - UNIX-CONNECT:${socket}`)).stdout
  ).toContain("31299")
  await box.ok("deletePort", "--key", "x")
  await box.ok("rename", "--key", `${app}-special`, "--to", `${app}-renamed`)
  await box.ok("reserve", "--port", "31298", "--reason", "x")
  await box.ok("unreserve", "--port", "31298")
}

const PACKET_HEAD = 4

/** Asks whoever logs in at `path` for another way of authentication, and answers how long what comes then is. */
const switchingServer = (path: string) =>
  new Promise<number>((done) => {
    const packet = (number: number, text: string) => {
      const body = Buffer.from(text, "latin1")
      return Buffer.concat([Buffer.from([body.length, 0, 0, number]), body])
    }
    const server = createServer((socket) => {
      socket.on("error", () => {})
      // The protocol's version, the server's, a thread, a salt, what the server can, a character set, the rest of the salt.
      socket.write(
        packet(
          0,
          `\n8.0.0\0\x01\0\0\x0012345678\0\xff\xf7\x21\x02\0\xff\xdf\x15${"\0".repeat(10)}123456789012\0other_password\0`
        )
      )
      socket.once("data", () => {
        socket.write(packet(2, "\xfemysql_native_password\x0012345678901234567890\0"))
        socket.once("data", (chunk) => done(chunk.length - PACKET_HEAD))
      })
    }).listen(path)
    onTestFinished(() => void server.close())
  })

describe("a daemon whose program is taken away", () => {
  it("goes on, on SQLite", async () => {
    const box = machine(RANGES)
    const installed = install()
    const daemon = await start(installed, box, installed.takeAway)
    await everything(box, "a")
    // Of another length, because V8 takes code of the same length for the same, and only a build names its parts anew.
    const other = install((text) => text.replaceAll(`"${version}"`, '"99.9.9"'))
    renameSync(other.dist, installed.dist)
    renameSync(other.modules, installed.modules)
    await everything(box, "b")
    expect((await installed.d(box, "getPort --key a-dev")).stdout).toBe("31201\n")
    const told = JSON.parse((await installed.d(box, "doctor --json --check daemon-running")).stdout)
    expect(told.findings).toMatchObject([{ message: `the daemon has version ${version}, but d has 99.9.9` }])
    // The database's files are opened anew.
    rmSync(join(box.home, ".local/state/automatelinux"), { recursive: true })
    await everything(box, "c")
    expect(await daemon.stop()).toBe(0)
    expect(daemon.log()).not.toContain("bug")
  })

  it("goes on, on MariaDB, which is away until then", async () => {
    const server = await MariaDb.start()
    onTestFinished(() => server.kill())
    const url = await server.database()
    await server.kill()
    const box = machine({
      ...RANGES,
      AUTOMATELINUX_DATABASE_URL: url,
      AUTOMATELINUX_DATABASE_TIMEOUT: "5 seconds",
      AUTOMATELINUX_PROBE_INTERVAL: "1 second"
    })
    const installed = install()
    const daemon = await start(installed, box, installed.takeAway)
    expect(await box.d("getPort", "--key", "x")).toMatchObject({ code: 3 })
    await server.restart()
    await everything(box, "a")
    await server.kill()
    await server.restart()
    await until(
      () => box.d("getPort", "--key", "a-dev"),
      ({ stdout }) => stdout === "31201\n"
    )
    installed.putBack()
    await everything(box, "b")
    await until(
      async () => JSON.parse(await box.ok("status", "--json")).lastTick,
      (tick) => tick !== null
    )
    expect(await daemon.stop()).toBe(0)
    expect(daemon.log()).not.toContain("bug")
  })

  it("goes on, with a server that first wants another way of authentication", async () => {
    const path = join(temporary(), "s")
    const box = machine({
      ...RANGES,
      AUTOMATELINUX_DATABASE_URL: `mysql://ports:secret@localhost/ports?socket=${path}`,
      AUTOMATELINUX_DATABASE_TIMEOUT: "1 second"
    })
    const installed = install()
    await start(installed, box, installed.takeAway)
    const switched = switchingServer(path)
    await box.d("getPort", "--key", "x")
    expect(await switched).toBe(20)
  })

  it("ends with its socket and an exit code for service managers, if it misses something all the same", async () => {
    const later = join(temporary(), "later.cjs")
    writeFileSync(later, 'process.once("SIGUSR2", () => require("./gone"))')
    const box = machine({ ...RANGES, NODE_OPTIONS: `--require=${later}` })
    const daemon = await start(install(), box)
    process.kill(daemon.pid ?? 0, "SIGUSR2")
    expect(await daemon.ended).toBe(3)
    expect(daemon.log()).toMatch(
      /error: the program of this daemon was removed or replaced: Cannot find module '.*'\nhint: to start the one that is there now: d daemon start\n$/
    )
    expect(existsSync(box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? "")).toBe(false)
    expect(await findingOf(box, "daemon-running")).toMatchObject({ severity: "info" })
  })

  it("ends with its socket on an exception that nothing catches", async () => {
    const later = join(temporary(), "later.cjs")
    writeFileSync(later, 'process.once("SIGUSR2", () => { throw new Error("unexpected") })')
    const box = machine({ ...RANGES, NODE_OPTIONS: `--require=${later}` })
    const daemon = await start(install(), box)
    process.kill(daemon.pid ?? 0, "SIGUSR2")
    expect(await daemon.ended).toBe(70)
    expect(daemon.log()).toMatch(/Error: unexpected[\s\S]*error: this is a bug in d\nhint: /)
    expect(existsSync(box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? "")).toBe(false)
  })
})

describe("d in the middle of an installation", () => {
  const missing = (what: RegExp | string) => ({
    code: 3,
    stdout: "",
    stderr: expect.stringMatching(
      new RegExp(`^error: .*${what}.*\\nhint: run it again if d is being installed; otherwise install d again\\n$`)
    )
  })

  it.each([
    ["its parts are missing", (name: string) => rmSync(name), "d cannot load its own files"],
    [
      "its parts are not whole",
      (name: string) => writeFileSync(name, readFileSync(name, "latin1").slice(0, 5000)),
      "d cannot load its own files"
    ]
  ])("says so in one sentence if %s", async (_, damage, what) => {
    const installed = install()
    for (const name of readdirSync(installed.dist, { recursive: true, encoding: "utf8" }))
      if (/^parts-.*(socketLock|run|completionsCommand)\.cjs$/.test(name)) damage(join(installed.dist, name))
    const box = machine({ ...RANGES, XDG_CACHE_HOME: temporary() })
    for (const words of ["getPort --key a", "allocate --app a", "daemon", "doctor", "send --completions bash"])
      expect(await installed.d(box, words), words).toEqual(missing(what))
    const run = await installed.d(box, "getPort --key a --json")
    expect(JSON.parse(run.stderr)).toMatchObject({ error: { code: "unavailable" } })
  })

  it("says so in one sentence if the driver is missing, and starts no daemon", async () => {
    const installed = install()
    rmSync(join(installed.modules, "iconv-lite"), { recursive: true })
    const box = machine({ ...RANGES, AUTOMATELINUX_DATABASE_URL: "mysql://ports:secret@127.0.0.1:1/ports" })
    for (const words of ["getPort --key a", "allocate --app a", "daemon"])
      expect(await installed.d(box, words), words).toEqual(missing("its driver cannot be loaded: Cannot find module"))
    expect(existsSync(box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? "")).toBe(false)
  })

  it("starts a daemon either whole or not at all", async () => {
    const installed = install()
    let settled = 0
    for (let delay = 0; delay <= 400; delay += 10) {
      const box = machine(RANGES)
      const began = start(installed, box)
      await new Promise((done) => setTimeout(done, delay))
      installed.takeAway()
      const daemon = await began
      if (daemon.log().includes("message=serving")) {
        expect(await box.ok("allocate", "--app", "a")).toContain("31200")
        expect(await daemon.stop()).toBe(0)
        settled++
      } else {
        expect([1, 3]).toContain(await daemon.ended)
        expect(existsSync(box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? "")).toBe(false)
      }
      installed.putBack()
    }
    console.log(`of 41 daemons ${settled} were up before their program was taken away`)
    expect(settled).toBeGreaterThan(0)
  })
})
