import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { expect, it } from "vitest"
import { type Daemon, machine, startDaemon } from "../support/cli.ts"
import { rangesFrom } from "../support/doctor.ts"
import { client, requestDaemon } from "../support/socketClient.ts"
import { type StandIn, standIn } from "../support/standIn.ts"

/** Our daemon in front of another one: its clients notice nothing. */

const RANGES = rangesFrom(22_300)

const front = async (): Promise<{ other: StandIn; daemon: Daemon; box: ReturnType<typeof machine> }> => {
  const other = await standIn()
  const box = machine({ ...RANGES, AUTOMATELINUX_FORWARD: other.path })
  return { other, daemon: await startDaemon(box), box }
}

/** All that comes back for `chunks`, which are sent one by one, before the sending half is closed. */
const exchange = (path: string, chunks: ReadonlyArray<string | Buffer>): Promise<string> =>
  new Promise((done) => {
    const socket = connect({ path, allowHalfOpen: true })
    const received: Array<Buffer> = []
    socket.on("data", (chunk) => received.push(chunk))
    socket.on("error", () => {})
    socket.on("close", () => done(Buffer.concat(received).toString("latin1")))
    socket.on("end", () => socket.end())
    const send = async () => {
      for (const chunk of chunks) await new Promise((sent) => socket.write(chunk, () => setTimeout(sent, 10)))
      socket.end()
    }
    void send()
  })

const line = (command: string, fields: object = {}) => `${JSON.stringify({ command, ...fields })}\n`

it("hands every command that is not ours through as bytes", async () => {
  const { daemon, other } = await front()
  const binary = randomBytes(100_000)
  const conversations: ReadonlyArray<ReadonlyArray<string | Buffer>> = [
    [line("say", { text: "1\n2\n\n3" })],
    [line("say", { text: "no line break" })],
    [line("say", { text: "" })],
    [line("say", { text: "é🚀\0\u0001" })],
    [line("nobodyKnows")],
    [line("constructor")],
    ['{"comm', 'and":"say","te', 'xt":"in pieces"}\n'],
    ['{"command":"say","text":"crlf"}\r\n'],
    ['{"command":"say","text":"without a line break"}'],
    [line("say", { text: "more follows" }), line("say", { text: "ignored" })],
    [line("say", { text: "x".repeat(300_000) })],
    [line("mirror"), "a\n\nb", binary, "\n"],
    [`${line("mirror")}right after it`],
    [line("version")],
    [line("help")]
  ]
  for (const chunks of conversations) {
    const direct = await exchange(other.path, chunks)
    expect(await exchange(daemon.socket, chunks)).toBe(direct)
  }
})

it("answers what is ours itself, and lists the commands of both", async () => {
  const { box, daemon } = await front()
  expect(await requestDaemon(daemon.socket, line("setPort", { key: "a", value: 22_350 }))).toBe(
    "Port set for a to 22350\n"
  )
  expect(await requestDaemon(daemon.socket, line("getPort", { key: "a" }))).toBe("22350\n")
  expect(await requestDaemon(daemon.socket, line("deletePort", { key: "a" }))).toBe("Port entry deleted for a\n")
  expect(await requestDaemon(daemon.socket, line("ping"))).toBe("pong\n")
  const names = (await requestDaemon(daemon.socket, line("listCommands"))).trimEnd().split("\n")
  expect(names.slice(0, 3)).toEqual(["allocate", "getPort", "setPort"])
  expect(names.slice(-3)).toEqual(["say", "push", "mirror"])
  expect(new Set(names).size).toBe(names.length)
  // Our own client asks in JSON, and always gets ours.
  expect(await box.ok("allocate", "--app", "cad")).toBe("cad-prod 22300\ncad-dev 22301\n")
  expect(await box.ok("ping")).toMatch(/^pong/)
  const talk = client(daemon.socket)
  await talk.write(line("version", { format: "json" }))
  expect(JSON.parse(await talk.until(/\n$/))).toMatchObject({ ok: true, result: { version: "0.1.0" } })
  // It has spoken with us already.
  await talk.write(line("say", { text: "x" }))
  expect(await talk.all()).toMatch(/Unknown command: say\n$/)
})

it("carries 200 standing connections, and lets either side end", async () => {
  const { daemon, other } = await front()
  const talks = Array.from({ length: 200 }, (_, at) => ({ at, talk: client(daemon.socket) }))
  for (const { at, talk } of talks) await talk.write(at % 2 === 0 ? line("push") : `${line("mirror")}mine ${at}`)
  for (const { at, talk } of talks) {
    if (at % 2 === 0) await talk.until(/^pushed 0\npushed 1\n/)
    else await talk.until(new RegExp(`^mine ${at}$`))
  }
  // Ours still answers.
  expect(await requestDaemon(daemon.socket, line("ping"))).toBe("pong\n")
  await other.kill()
  for (const { talk } of talks) await talk.all()
  expect(await requestDaemon(daemon.socket, line("say", { text: "x" }))).toBe(
    `ERROR: the daemon at ${other.path} does not answer (ECONNREFUSED), and this command is its own\n`
  )
  expect(await requestDaemon(daemon.socket, line("getPort", { key: "a" }))).toBe("Port not set for a\n")
  expect((await requestDaemon(daemon.socket, line("listCommands"))).split("\n")[0]).toBe("allocate")
  await other.start()
  expect(await requestDaemon(daemon.socket, line("say", { text: "back" }))).toBe("back")
})

it("ends what it carries when it ends, and carries again when it is back", async () => {
  const { box, daemon } = await front()
  const talk = client(daemon.socket)
  await talk.write(line("push"))
  await talk.until(/pushed 1/)
  expect(await daemon.stop()).toBe(0)
  await talk.all()
  const next = await startDaemon(box)
  const again = client(next.socket)
  await again.write(line("push"))
  await again.until(/pushed 1/)
})

it("carries 400 MB through one connection in flat memory", async () => {
  const { daemon } = await front()
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))?.[1]) / 1024
  const chunk = randomBytes(1 << 20)
  const socket = connect({ path: daemon.socket, allowHalfOpen: true })
  let received = 0
  let wrong = 0
  socket.on("data", (data) => {
    for (let at = 0; at < data.length; at += 4096) if (data[at] !== chunk[(received + at) % chunk.length]) wrong++
    received += data.length
  })
  socket.write(line("mirror"))
  const send = async (count: number) => {
    for (let each = 0; each < count; each++) await new Promise((sent) => socket.write(chunk, sent))
  }
  /** The most memory while so much more goes through. */
  const mostOver = async (tens: number) => {
    let most = 0
    for (let each = 0; each < tens; each++) {
      await send(10)
      most = Math.max(most, memory())
    }
    return most
  }
  // How much V8 leaves uncollected differs between its versions, and does not grow.
  const first = await mostOver(10)
  const then = await mostOver(30)
  socket.end()
  await new Promise((done) => socket.once("close", done))
  expect({ received, wrong }).toEqual({ received: 400 << 20, wrong: 0 })
  expect(then - first).toBeLessThan(30)
})

it("says in one line that the path is wrong, or that nobody is there", async () => {
  const box = machine(RANGES)
  const wrong = await box.with({ AUTOMATELINUX_FORWARD: "other.sock" }).d("daemon")
  expect(wrong).toMatchObject({ code: 2, stdout: "" })
  expect(wrong.stderr).toMatch(/^error: AUTOMATELINUX_FORWARD "other.sock" is not an absolute path\nhint: .*\n$/)
  const daemon = await startDaemon(box.with({ AUTOMATELINUX_FORWARD: "/nowhere/other.sock" }))
  expect(await requestDaemon(daemon.socket, line("say"))).toBe(
    "ERROR: the daemon at /nowhere/other.sock does not answer (ENOENT), and this command is its own\n"
  )
})

it("serves the other daemon's path if no path of ours is named, but not for itself", async () => {
  const other = await standIn()
  const box = machine({ ...RANGES, AUTOMATELINUX_PORTS_SOCKET: "" })
  const theirs = join(box.home, "theirs.sock")
  const named = box.with({ AUTOMATE_LINUX_SOCKET_PATH: theirs })
  const itself = named.with({ AUTOMATELINUX_FORWARD: theirs })
  expect((await itself.d("daemon")).stderr).toMatch(
    /^error: AUTOMATELINUX_FORWARD ".*theirs.sock" is the socket that this daemon is to serve\nhint: move the other/
  )
  const daemon = await startDaemon(named.with({ AUTOMATELINUX_FORWARD: other.path }))
  expect(await requestDaemon(theirs, line("say", { text: "through" }))).toBe("through")
  // A client of ours finds it there, with nothing but their variable.
  expect(await named.ok("ping")).toContain("pong")
  expect(JSON.parse(await named.ok("status", "--json")).pid).toBe(daemon.pid)
})
