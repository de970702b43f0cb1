import { createServer, type Server } from "node:net"
import * as Effect from "effect/Effect"
import { afterEach, describe, expect, it } from "vitest"
import type { PortHealth } from "../../src/domain/portHealth.ts"
import { Listeners } from "../../src/machine/Listeners.ts"
import { makeCurrentHealth } from "../../src/registry/currentHealth.ts"
import { at } from "../support/ports.ts"

const PORT = at(3400)
const BEFORE = "2026-11-20T12:00:00.000Z"
const NOW = "2026-11-20T12:01:00.000Z"

const record = (state: PortHealth["state"]): PortHealth => ({
  port: PORT,
  key: "app",
  state,
  since: BEFORE,
  lastUp: BEFORE,
  failures: 0,
  lastUpWatchedSeconds: 0,
  listener: null
})

/** The health of a port that was found in `state`, if something is known to listen on it or not. */
const healthOf = async (state: PortHealth["state"], isListening: boolean) => {
  const connected: Array<number> = []
  const { answers } = await Effect.runPromise(Effect.provide(Listeners, Listeners.Default))
  const counting: typeof answers = (port, limitMs) => {
    connected.push(port)
    return answers(port, limitMs)
  }
  const watched = {
    claims: new Map(),
    ports: new Map([["app", PORT]]),
    health: { records: new Map([[PORT, record(state)]]), watched: 60, probedAt: BEFORE, machine: "1" }
  }
  const listening = new Set(isListening ? [PORT] : [])
  const health = await Effect.runPromise(
    Effect.flatMap(makeCurrentHealth({ answers: counting }), (currentHealth) => {
      const list = currentHealth(watched, [PORT], listening, Date.parse(NOW))
      // Lists of the same moment share what they find out.
      return Effect.tap(list, () => Effect.all([list, list], { concurrency: 2 }))
    })
  )
  return { health: health.get(PORT), connected }
}

let server: Server | undefined
const listening = (host: string) =>
  new Promise<void>((done) => {
    server = createServer().listen(PORT, host, () => done())
  })
afterEach(() => void server?.close())

describe("a port on which nothing is known to listen", () => {
  it.each(["127.0.0.1", "::1"])("is still up if it accepts connections on %s, as a container's may", async (host) => {
    await listening(host)
    expect(await healthOf("up", false)).toMatchObject({ health: { state: "up", since: BEFORE }, connected: [PORT] })
  })

  it("is no longer up if it refuses them", async () => {
    expect(await healthOf("up", false)).toEqual({
      health: { state: "down", since: null, lastUp: BEFORE, checkedAt: NOW },
      connected: [PORT]
    })
  })

  it.each(["down", "stale", "unknown"] as const)("is not connected to if it was %s", async (state) => {
    expect(await healthOf(state, false)).toMatchObject({ health: { state, since: BEFORE }, connected: [] })
  })
})

describe("a port on which something listens", () => {
  it("is up without being connected to", async () => {
    expect(await healthOf("up", true)).toMatchObject({ health: { state: "up", since: BEFORE }, connected: [] })
    expect(await healthOf("stale", true)).toEqual({
      health: { state: "up", since: null, lastUp: NOW, checkedAt: NOW },
      connected: []
    })
  })
})
