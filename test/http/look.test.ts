import { createServer, type RequestListener } from "node:http"
import type { Socket } from "node:net"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it, onTestFinished } from "vitest"
import { makeLook } from "../../src/daemon/look.ts"
import { makeSnapshot } from "../../src/daemon/snapshot.ts"
import { PortKey } from "../../src/domain/PortKey.ts"
import type { HttpError } from "../../src/http/failure.ts"
import { type Means, makeListener } from "../../src/http/listener.ts"
import { makeMetrics } from "../../src/http/metrics.ts"
import { Listeners } from "../../src/machine/Listeners.ts"
import { HealthMonitor } from "../../src/monitor/HealthMonitor.ts"
import { Registry } from "../../src/registry/Registry.ts"
import { Store } from "../../src/store/Store.ts"
import { serve } from "../support/doctor.ts"
import { ask } from "../support/http.ts"
import { registryLayer } from "../support/registry.ts"
import { temporary } from "../support/root.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "23100-23149", AUTOMATELINUX_SPECIAL_RANGE: "23150-23199" }
const PORT = 23_199

const daemonLayer = (listeners?: Layer.Layer<Listeners>) =>
  HealthMonitor.Default.pipe(Layer.provideMerge(registryLayer({ ...RANGES, HOME: temporary() }, listeners)))

/** The listeners of this machine, whose reading has a bug. */
const broken = Layer.effect(
  Listeners,
  Effect.map(
    Listeners,
    (real) => ({ ...real, ports: Effect.die("broken"), where: () => Effect.die("broken") }) as typeof real
  )
).pipe(Layer.provide(Listeners.Default))

const set = (key: string, port: number) =>
  Effect.flatMap(Registry, (registry) =>
    registry.set({ key: PortKey.make(key), port, description: undefined, force: false })
  )

describe("a bug", () => {
  const internal = { code: "internal", message: expect.any(String), hint: expect.stringContaining("log") }

  it("in the look or in the snapshot is a failure, not a rejection", () =>
    Effect.gen(function* () {
      yield* set("a", 23_150)
      expect(yield* yield* makeLook).toEqual({ ok: false, failure: internal })
      expect(yield* yield* makeSnapshot).toEqual({ failure: internal })
    }).pipe(Effect.provide(daemonLayer(broken)), Effect.runPromise))
})

describe("the look", () => {
  it("reads the registry again only after a commit, and what listens each time", () =>
    Effect.gen(function* () {
      const { live } = yield* Registry
      const { readLive } = yield* Store
      yield* set("a", 23_150)
      const before = yield* readLive
      const stateOf = Effect.map(live, ({ assignments: [first], foreign }) => ({ state: first?.health.state, foreign }))
      expect(yield* stateOf).toEqual({ state: "unknown", foreign: [] })
      const servers = yield* Effect.promise(() => Promise.all([serve(23_150), serve(23_151)]))
      expect(yield* stateOf).toEqual({
        state: "up",
        foreign: [{ port: 23_151, command: expect.stringMatching(/^node/) }]
      })
      yield* Effect.promise(() => Promise.all(servers.map((server) => server.stop())))
      expect(yield* stateOf).toEqual({ state: "unknown", foreign: [] })
      expect(yield* readLive).toBe(before)
      yield* set("b", 23_152)
      expect((yield* live).assignments.map(({ key }) => key)).toEqual(["a", "b"])
    }).pipe(Effect.provide(daemonLayer()), Effect.runPromise))
})

const TOKEN = "x".repeat(43)

/** Serves HTTP without a daemon; returns the timeout of the last connection. */
const listening = async (means: Partial<Means>, api: RequestListener = () => {}) => {
  let last: Socket | undefined
  const server = createServer(
    makeListener(
      {
        ask: async () => ({ ok: true, result: { timeout: last?.timeout }, notes: [] }),
        snapshot: () => Promise.reject(new Error("unused")),
        token: { now: () => TOKEN, exchange: () => undefined },
        waitMs: 1000,
        bug: () => Promise.reject(new Error("unused")),
        page: () => undefined,
        metrics: makeMetrics(),
        proof: { ask: "ask", proof: "proof" },
        port: PORT,
        ...means
      },
      api
    )
  ).on("connection", (socket) => {
    last = socket
  })
  await new Promise<void>((done) => server.listen(PORT, "127.0.0.1", done))
  onTestFinished(() => new Promise((done) => void server.close(() => done()).closeAllConnections()))
}

describe("a request", () => {
  const failure: HttpError = { code: "internal", message: "a bug", hint: "see the log" }

  it("that meets a bug is answered so, whether at once or later, and the next one as ever", async () => {
    const met: Array<unknown> = []
    const bug = async (error: unknown) => {
      met.push(error)
      return failure
    }
    await listening({
      bug,
      page: () => {
        throw new Error("at once")
      },
      ask: () => Promise.reject(new Error("later"))
    })
    for (const path of ["/metrics", "/api/ports/a?plain"]) {
      const { status, text } = await ask(PORT, path)
      expect({ status, error: JSON.parse(text).error }).toEqual({ status: 500, error: failure })
    }
    expect(met).toEqual([new Error("at once"), new Error("later")])
  })

  it("for metrics is answered with the bug of the snapshot", async () => {
    await listening({ snapshot: async () => ({ failure: { ...failure, code: "internal" } }) })
    for (const path of ["/metrics", "/sd"]) expect((await ask(PORT, path)).status).toBe(500)
  })

  it("for a change may take as long as the database's timeout says, after it was started", async () => {
    await listening({ waitMs: 600_000 })
    const { text } = await ask(PORT, "/api/allocate", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}` },
      body: '{"special":"x"}'
    })
    expect(JSON.parse(text)).toEqual({ timeout: 620_000 })
  })
})
