import { createServer } from "node:net"
import { networkInterfaces } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, it, onTestFinished } from "vitest"
import { PortKey } from "../../src/domain/PortKey.ts"
import { Listeners } from "../../src/machine/Listeners.ts"
import { Registry } from "../../src/registry/Registry.ts"
import { registryLayer } from "../support/registry.ts"
import { temporary } from "../support/root.ts"

/** Those of this machine that can be bound without naming an interface. */
const ownAddresses = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .filter(({ address, internal }) => !internal && !address.startsWith("fe80"))
  .map(({ address }) => address)

it.each([
  ["stays", true],
  ["is gone a moment later, as somebody's try of the port", false]
])("warns of a listener only where it stays: one that %s", async (_, stays) => {
  const port = 30_650
  const server = createServer()
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done))
  onTestFinished(() => void server.close())
  const listeners = Effect.map(Listeners, (real) => ({
    ...real,
    inUse: (tried: number) => {
      if (!stays) setTimeout(() => server.close(), 10)
      return real.inUse(tried)
    }
  }))
  const doubled = Layer.effect(Listeners, listeners as typeof Listeners).pipe(Layer.provide(Listeners.Default))
  const layer = registryLayer({ HOME: temporary() }, doubled)
  const { notes } = await Effect.runPromise(
    Effect.flatMap(Registry, (registry) =>
      registry.set({ key: PortKey.make("a"), port, description: undefined, force: false })
    ).pipe(Effect.provide(layer))
  )
  expect(notes.map((note) => note._tag)).toEqual(stays ? ["OutOfRange", "InUse"] : ["OutOfRange"])
})

it.each(["127.0.0.1", "::1", "0.0.0.0", "::", ...ownAddresses])(
  "finds a port bound on %s, and free again",
  async (host) => {
    const port = 30_660
    const isBound = Effect.flatMap(Listeners, (each) => each.isBound(port)).pipe(Effect.provide(Listeners.Default))
    const server = createServer()
    await new Promise<void>((done, fail) =>
      server.once("error", fail).listen({ port, host, ipv6Only: host === "::" }, done)
    )
    expect(await Effect.runPromise(isBound)).toBe(true)
    await new Promise((done) => server.close(done))
    expect(await Effect.runPromise(isBound)).toBe(false)
  }
)

it("does not take those for a listener who try the port one after the other", async () => {
  const port = 30_670
  const isBound = Effect.flatMap(Listeners, (each) => each.isBound(port)).pipe(Effect.provide(Listeners.Default))
  let trying = true
  const tries = (async () => {
    while (trying) {
      const server = createServer()
      // What is asked tries the port too, and may be faster.
      await new Promise<void>((done) => server.once("error", () => done()).listen(port, done))
      await sleep(5)
      await new Promise((done) => server.close(done))
    }
  })()
  // For less time than five moments take.
  setTimeout(() => {
    trying = false
  }, 80)
  expect(await Effect.runPromise(isBound)).toBe(false)
  await tries
})
