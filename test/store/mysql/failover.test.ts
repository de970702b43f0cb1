import { EventEmitter, once } from "node:events"
import { createServer, type Socket } from "node:net"
import { expect, it, onTestFinished, vi } from "vitest"
import { makeFailover } from "../../../src/store/mysql/failover.ts"

const SOON_MS = 300
const NEVER_MS = 600_000
const LIMIT_MS = 10_000

const closing = (socket: Socket) => new Promise((done) => socket.once("close", done))

/** A server that accepts connections and says nothing. */
const listening = async () => {
  const sockets: Array<Socket> = []
  const server = createServer((socket) => sockets.push(socket))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { host: "127.0.0.1", port: (server.address() as { port: number }).port, sockets }
}

type Opening = Parameters<ReturnType<typeof makeFailover>["open"]>[0]

/** Two servers, and a pool that tells, as the driver's does, when one of its connections is used and when it is not. */
const twoServers = async (silence = NEVER_MS) => {
  const first = await listening()
  const second = await listening()
  const pool = new EventEmitter()
  const servers = makeFailover([first, second], silence, "SELECT 1")
  const begin = () => {
    const config = { pool } as unknown as Opening["config"]
    const socket = servers.open({ config })
    socket.on("error", () => {})
    return { config, socket, tell: (what: "acquire" | "release") => pool.emit(what, { config }) }
  }
  const open = async () => {
    const connection = begin()
    const accepted = first.sockets.length + second.sockets.length
    await once(connection.socket, "connect")
    await vi.waitUntil(() => first.sockets.length + second.sockets.length > accepted, LIMIT_MS)
    connection.tell("acquire")
    return connection
  }
  return { first, second, servers, begin, open }
}

it("goes on with the next server when a connection breaks that is used, and ends the others to the first", async () => {
  const { first, open, second } = await twoServers()
  const used = await open()
  const other = await open()
  other.tell("release")
  const gone = closing(other.socket)
  first.sockets[0]?.destroy()
  await gone
  expect(used.socket.destroyed).toBe(true)
  expect((await open()).socket.remotePort).toBe(second.port)
})

it.each(["breaks", "falls silent"])("stays when one %s that nobody uses", async (what) => {
  const { first, open } = await twoServers(what === "breaks" ? NEVER_MS : SOON_MS)
  const { socket, tell } = await open()
  tell("release")
  const gone = closing(socket)
  if (what === "breaks") first.sockets[0]?.destroy()
  await gone
  expect((await open()).socket.remotePort).toBe(first.port)
})

it("stays when the server refuses one connection more", async () => {
  const { begin, first, open } = await twoServers()
  const { socket } = await open()
  const refused = begin()
  await vi.waitUntil(() => first.sockets.length === 2, LIMIT_MS)
  refused.socket.resume()
  first.sockets[1]?.end("Too many connections")
  await closing(refused.socket)
  expect(socket.destroyed).toBe(false)
  expect((await open()).socket.remotePort).toBe(first.port)
})

it("takes a server that is silent while it is asked for one that is gone", async () => {
  const { open, second } = await twoServers(SOON_MS)
  const { socket } = await open()
  await closing(socket)
  expect((await open()).socket.remotePort).toBe(second.port)
})

it("tells the driver which server it is, whose certificate is expected", async () => {
  const { first, open, second, servers } = await twoServers()
  expect((await open()).config).toMatchObject({ host: first.host, port: first.port })
  servers.leave()
  expect((await open()).config).toMatchObject({ host: second.host, port: second.port })
})

it("keeps no connection that was being made when its server was left", async () => {
  const { begin, first, open, second, servers } = await twoServers()
  await open()
  const late = begin()
  servers.leave()
  await closing(late.socket)
  const { socket } = await open()
  expect(socket.remotePort).toBe(second.port)
  await vi.waitUntil(() => first.sockets.every((each) => each.closed || each.destroyed), LIMIT_MS)
})

it("leaves a server once, however many say that it is alone", async () => {
  const { open, second, servers } = await twoServers()
  await open()
  await open()
  servers.leave()
  servers.leave()
  expect((await open()).socket.remotePort).toBe(second.port)
})
