import { readFileSync } from "node:fs"
import { connect, createServer, type Server } from "node:net"
import { Worker } from "node:worker_threads"
import { expect, it, onTestFinished } from "vitest"
import { readSockets } from "../../src/machine/procNetTcp.ts"

const FIRST = 22_000

const listenAt = (port: number, host: string): Promise<Server> =>
  new Promise((done, fail) => {
    const server = createServer()
    server.once("error", fail)
    server.listen(port, host, () => done(server))
  })

/** Every listener that the whole tables have. */
const all = () =>
  ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((path) => readFileSync(path, "utf8").split("\n"))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A")
    .map((fields) => Number.parseInt(fields[1]?.split(":")[1] ?? "", 16))
    .filter((port) => port >= FIRST && port < FIRST + 100)
    .sort()

const found = () =>
  (readSockets() ?? [])
    .map(({ port }) => port)
    .filter((port) => port >= FIRST && port < FIRST + 100)
    .sort()

it.each([0, 1, 2, 30, 100])("finds all of %d listeners, with connections and without", async (count) => {
  const servers = await Promise.all(
    Array.from({ length: count }, (_, at) => listenAt(FIRST + at, ["127.0.0.1", "::1", "0.0.0.0", "::"][at % 4] ?? ""))
  )
  onTestFinished(() => {
    for (const server of servers) server.close()
  })
  expect(found()).toEqual(all())
  expect(found().length).toBe(count)
  const clients = servers.slice(0, 3).map((_, at) => connect(FIRST + at, at === 1 ? "::1" : "127.0.0.1"))
  await Promise.all(clients.map((client) => new Promise((done) => client.once("connect", done))))
  expect(found()).toEqual(all())
  for (const client of clients) client.destroy()
  for (const server of servers.slice(0, 10)) await new Promise((done) => server.close(done))
  expect(found()).toEqual(all())
  expect(found().length).toBe(Math.max(0, count - 10))
})

/** Opens and closes a port over and over. */
const COMING_AND_GOING = `
  const { createServer } = require("node:net")
  const { workerData } = require("node:worker_threads")
  const next = () => {
    const server = createServer()
    server.listen(workerData, "::", () => server.close(() => setImmediate(next)))
  }
  next()`

// 20 and their header nearly fill a read, which is when the kernel is asked for more.
it.each([20, 43])("finds each of %d listeners once while others come and go", async (count) => {
  const ports = Array.from({ length: count }, (_, at) => FIRST + at)
  const servers = await Promise.all(ports.map((port) => listenAt(port, "::")))
  const others = [97, 98, 99].map((at) => new Worker(COMING_AND_GOING, { eval: true, workerData: FIRST + at }))
  onTestFinished(async () => {
    for (const server of servers) server.close()
    await Promise.all(others.map((other) => other.terminate()))
  })
  const wrong: Array<ReadonlyArray<number>> = []
  let seen = 0
  for (let look = 0; look < 400; look++) {
    // Let the workers' messages through.
    if (look % 100 === 0) await new Promise((done) => setImmediate(done))
    const sockets = readSockets() ?? []
    const inodes = new Set(sockets.map(({ inode }) => inode))
    const listening = new Set(sockets.map(({ port }) => port))
    if (listening.has(FIRST + 97)) seen++
    if (inodes.size < sockets.length || !ports.every((port) => listening.has(port))) wrong.push([...listening])
  }
  expect(wrong).toEqual([])
  expect(seen).toBeGreaterThan(0)
})
