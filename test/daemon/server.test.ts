import { connect, createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it, onTestFinished } from "vitest"
import type { Limits, Outcome, Request } from "../../src/daemon/connection.ts"
import { serve } from "../../src/daemon/server.ts"
import { printed } from "../../src/text/printed.ts"
import { temporary } from "../support/root.ts"

const LIMITS: Limits = { line: 100, long: 0, connections: 3, idle: 400 }
const pong: Outcome = { ok: true, result: {}, text: () => printed(["pong"]), notes: [] }

const start = async (respond: (request: Request) => Promise<Outcome> = async () => pong, limits = LIMITS) => {
  const path = join(temporary(), "s")
  const service = await serve(path, respond, "1", limits)
  onTestFinished(() => service.stop(100))
  return { path, service }
}

const talk = (path: string, text = "") => {
  const socket = connect(path)
  onTestFinished(() => void socket.destroy())
  let heard = ""
  socket.on("data", (chunk) => (heard += chunk))
  socket.on("error", () => {})
  if (text !== "") socket.write(text)
  return new Promise<string>((done) => socket.once("close", () => done(heard)))
}

it("says that a line is too long, and takes one that is just not", async () => {
  const { path } = await start()
  const line = `{"command":"ping","x":"`.padEnd(98, "x")
  expect(await talk(path, `${line}"}\n`)).toBe("pong\n")
  expect(await talk(path, `${line}x"}\n`)).toBe("ERROR: Line too long\n")
  expect(await talk(path, "x".repeat(101))).toBe("ERROR: Line too long\n")
})

it("takes longer lines as long as they do not take too much together", async () => {
  const asked: Array<unknown> = []
  const { path } = await start(
    async (request) => {
      asked.push(request["x"])
      return pong
    },
    { ...LIMITS, long: 1000 }
  )
  const line = (length: number) => `{"command":"ping","x":"${"x".repeat(length)}"}\n`
  const first = connect(path)
  onTestFinished(() => void first.destroy())
  const heard = new Promise<string>((done) => first.once("data", (chunk) => done(String(chunk))))
  // In pieces, so that both are on their way at the same time.
  first.write(line(900).slice(0, 800))
  while ((await talk(path, line(500))) !== "ERROR: Line too long\n") asked.length = 0
  first.write(line(900).slice(800))
  expect(await heard).toBe("pong\n")
  // What the first one took is free again, and so is what the refused ones tried to take.
  expect(await talk(path, line(900))).toBe("pong\n")
  expect(await talk(path, line(1100))).toBe("ERROR: Line too long\n")
  const gone = connect(path)
  gone.write(line(900).slice(0, 850), () => gone.destroy())
  await new Promise((done) => gone.once("close", done))
  while ((await talk(path, line(900))) !== "pong\n") await sleep(5)
  expect(asked.every((each) => each === "x".repeat(900))).toBe(true)
})

it("says that there are too many connections, and takes the next when one is gone", async () => {
  const { path } = await start()
  const held = [talk(path), talk(path), talk(path)]
  await sleep(50)
  expect(await talk(path, '{"command":"ping"}\n')).toBe("ERROR: Too many connections\n")
  expect(await Promise.all(held)).toEqual(held.map(() => "ERROR: Idle timeout\n"))
  await sleep(50)
  expect(await talk(path, '{"command":"ping"}\n')).toBe("pong\n")
})

it("neither ends nor counts the lines of what it hands over", async () => {
  const other = join(temporary(), "other")
  const theirs = createServer((socket) => socket.pipe(socket)).listen(other)
  onTestFinished(() => void theirs.close())
  const path = join(temporary(), "s")
  const elsewhere: Outcome = { ok: "elsewhere", otherwise: pong }
  const service = await serve(path, async () => elsewhere, "1", { ...LIMITS, forward: other })
  onTestFinished(() => service.stop(100))
  for (const first of ['{"command":"theirs"}\n', "x".repeat(1000)]) {
    const socket = connect(path)
    onTestFinished(() => void socket.destroy())
    let heard = ""
    socket.on("data", (chunk) => (heard += chunk))
    socket.write(first)
    // Longer than a connection of ours may be idle.
    await sleep(900)
    socket.write("y".repeat(1000))
    while (heard.length < first.length + 1000) await sleep(5)
    expect(heard).toBe(first + "y".repeat(1000))
  }
})

it("hands over what it has answered nothing of, once, and nothing else", async () => {
  const other = join(temporary(), "other")
  let theirs = ""
  const server = createServer((socket) => socket.on("data", (chunk) => (theirs += chunk))).listen(other)
  onTestFinished(() => void server.close())
  const path = join(temporary(), "s")
  const respond = async (request: Request): Promise<Outcome> => {
    if (request["command"] === "slow") await sleep(200)
    return request["command"] === "theirs" ? { ok: "elsewhere", otherwise: pong } : pong
  }
  const service = await serve(path, respond, "1", { ...LIMITS, forward: other })
  onTestFinished(() => service.stop(100))
  // What was answered here is not for the other daemon, too.
  expect(await talk(path, '{"id":{}}\n{"command":"theirs"}\n')).toMatch(/"id\\" must be .*\npong\n$/)
  expect(await talk(path, 'garbage\n{"command":"theirs"}\n')).toBe("ERROR: Invalid JSON\npong\n")
  expect(theirs).toBe("")
  // Nor is a line that follows before the first one is answered.
  const long = "x".repeat(40 << 20)
  expect(await talk(path, `{"command":"slow","format":"json"}\n${long}`)).toContain("ERROR: Line too long")
  expect(theirs).toBe("")
  // Blank lines before the first are, and however many there are, they are not kept.
  const socket = connect(path)
  onTestFinished(() => void socket.destroy())
  for (let each = 0; each < 300; each++)
    await new Promise((sent) => socket.write(`${" ".repeat(90)}\n`.repeat(720), sent))
  socket.write('{"command":"theirs"}\n')
  while (!theirs.includes("theirs")) await sleep(5)
  expect(theirs.startsWith(`${" ".repeat(90)}\n`)).toBe(true)
  expect(theirs.length).toBeLessThan(5 << 20)
})

it("hands over a request that comes byte by byte as it is", async () => {
  const other = join(temporary(), "other")
  let theirs = ""
  const server = createServer((socket) => socket.on("data", (chunk) => (theirs += chunk))).listen(other)
  onTestFinished(() => void server.close())
  const path = join(temporary(), "s")
  const service = await serve(path, async () => ({ ok: "elsewhere", otherwise: pong }), "1", {
    ...LIMITS,
    line: 1000,
    forward: other
  })
  onTestFinished(() => service.stop(100))
  const socket = connect(path)
  onTestFinished(() => void socket.destroy())
  socket.setNoDelay(true)
  const line = `{"command":"theirs","text":"${"hello big  world ".repeat(20)}"}   \n`
  for (const byte of line) {
    socket.write(byte)
    // Each of them is a piece of its own.
    await new Promise((done) => setImmediate(done))
  }
  while (theirs.length < line.length) await sleep(5)
  expect(theirs).toBe(line)
})

it("tells who says nothing, and lets who says something", async () => {
  const { path } = await start()
  expect(await talk(path)).toBe("ERROR: Idle timeout\n")
  const socket = connect(path)
  onTestFinished(() => void socket.destroy())
  let heard = ""
  socket.on("data", (chunk) => (heard += chunk))
  for (const byte of '{"command":"ping"}\n') {
    socket.write(byte)
    await sleep(60)
  }
  await sleep(50)
  expect(heard).toBe("pong\n")
})

it("does not take who waits for an answer for idle", async () => {
  const { path } = await start(async () => {
    await sleep(3 * LIMITS.idle)
    return pong
  })
  expect(await talk(path, '{"command":"ping"}\n')).toBe("pong\n")
})

it("answers what was asked before it stops, and no more", async () => {
  const { path, service } = await start(async () => {
    await sleep(200)
    return pong
  })
  const asked = talk(path, '{"command":"ping"}\n')
  await sleep(50)
  const stopped = service.stop(2000)
  expect(await talk(path, '{"command":"ping"}\n')).toBe("")
  expect(await asked).toBe("pong\n")
  await stopped
})

const PING = `${JSON.stringify({ command: "ping", format: "json" })}\n`

it("begins nothing more for a client that has gone, and finishes what it has begun", async () => {
  let begun = 0
  let finished = 0
  const { path } = await start(async () => {
    begun++
    await sleep(20)
    finished++
    return pong
  })
  const leave = () =>
    new Promise((done) => {
      const socket = connect(path, () => socket.write(PING.repeat(100), () => socket.destroy()))
      socket.once("close", done)
    })
  await Promise.all([leave(), leave()])
  // Each takes as long as one of theirs would.
  const OTHERS = 20
  for (let asked = 0; asked < OTHERS; asked++) expect(await talk(path, '{"command":"ping"}\n')).toBe("pong\n")
  // The first of each was begun, perhaps.
  expect(begun).toBeLessThanOrEqual(OTHERS + 2)
  expect(finished).toBe(begun)
})

it("answers everything to a client that has closed its sending half", async () => {
  const { path } = await start(async () => {
    await sleep(5)
    return pong
  })
  const socket = connect({ path, allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  let heard = ""
  socket.on("data", (chunk) => (heard += chunk))
  const ended = new Promise((done) => socket.once("end", done))
  socket.end(PING.repeat(50))
  await ended
  expect(heard.trimEnd().split("\n")).toHaveLength(50)
})

it("leaves no listener behind on a connection that is read slowly", async () => {
  const warnings: Array<Error> = []
  const note = (warning: Error) => warnings.push(warning)
  process.on("warning", note)
  onTestFinished(() => void process.off("warning", note))
  const large: Outcome = { ok: true, result: "x".repeat(300_000), text: () => printed([]), notes: [] }
  const { path } = await start(async () => large)
  const socket = connect(path)
  onTestFinished(() => void socket.destroy())
  socket.write(PING.repeat(30))
  let length = 0
  await new Promise<void>((done) =>
    socket.on("data", (chunk) => {
      length += chunk.length
      if (length > 30 * 300_000) done()
      socket.pause()
      setImmediate(() => socket.resume())
    })
  )
  await new Promise((done) => setImmediate(done))
  expect(warnings).toEqual([])
})
