import { expect, it } from "vitest"
import type { HostHealth, PortHealth } from "../../src/domain/portHealth.ts"
import {
  emptiedSince,
  type Memory,
  nextTick,
  portsToConnect,
  probed,
  type Snapshot,
  startTick
} from "../../src/monitor/nextTick.ts"

const PORT = 3001
const INTERVAL_MS = 30_000
const THRESHOLDS = { downAfter: 3, staleAfter: 3600, staleAfterDev: 600 }
const CLAIM = { key: "cad-dev", claimedAt: "2026-01-01T00:00:00.000Z", host: "box", by: "me" }

/** A daemon that looks at one port every 30 s, with a database that stores whatever it says. */
const daemon = () => {
  let memory: Memory | undefined
  let health: HostHealth = { records: new Map(), watched: 0, probedAt: null, machine: undefined }
  let elapsed = 0
  const snapshot = (): Snapshot => ({
    ports: new Map([[CLAIM.key, PORT]]),
    claims: new Map([[PORT, CLAIM]]),
    owners: new Map(),
    health
  })
  const tick = (listens: boolean, machine = "1") => {
    elapsed += INTERVAL_MS
    const at = new Date(Date.UTC(2026, 0, 2) + elapsed).toISOString()
    const start = startTick(memory, snapshot(), { at, started: elapsed }, INTERVAL_MS)
    const listening = new Map(listens ? [[PORT, "inode"]] : [])
    const connected = portsToConnect(start, listening, THRESHOLDS)
    const answers = new Map(connected.map((port) => [port, listens]))
    const records = probed(start, listening, answers, THRESHOLDS)
    const next = nextTick(start, { machine, records, listening, fresh: new Set(), risen: new Set(), found: [] })
    memory = next.memory
    const saved = new Map<number, PortHealth>([
      ...health.records,
      ...(next.changes?.changed ?? []).map((each) => [each.port, each] as const)
    ])
    const clock = next.changes?.clock
    health = {
      ...health,
      records: saved,
      ...(clock && { watched: clock.watched, probedAt: clock.at, machine: clock.machine })
    }
    return { ...next, connected, state: records[0]?.state }
  }
  return {
    tick,
    overwrite: (changes: Partial<HostHealth>) => (health = { ...health, ...changes }),
    snapshot,
    memory: () => memory
  }
}

it("calls a port down after three failed probes, and connects only before it does", () => {
  const { tick } = daemon()
  expect(tick(true).state).toBe("up")
  expect([tick(false), tick(false), tick(false)].map(({ connected, state }) => [state, connected.length])).toEqual([
    ["up", 0],
    ["up", 0],
    ["down", 1]
  ])
})

it("calls a dev port stale after its watched time, and logs each change of state once", () => {
  const { tick } = daemon()
  const ticks = [tick(true), ...Array.from({ length: 30 }, () => tick(false))]
  const changes = ticks.flatMap(({ transitions }, index) =>
    transitions.map(({ before, record }) => [index, before, record.state])
  )
  expect(changes).toEqual([
    [0, "unknown", "up"],
    [3, "up", "down"],
    [20, "down", "stale"]
  ])
})

it("stores nothing while nothing changes, but the time once a minute", () => {
  const { tick } = daemon()
  const stored = Array.from({ length: 7 }, () => tick(true).changes)
  expect(stored.map((changes) => changes?.clock !== undefined)).toEqual([true, false, true, false, true, false, true])
  expect(stored.slice(1).flatMap((changes) => changes?.changed ?? [])).toEqual([])
})

it("stores a record again that another machine has overwritten, and names the machine", () => {
  const { overwrite, snapshot, tick } = daemon()
  tick(true)
  const record = snapshot().health.records.get(PORT)
  if (record === undefined) throw new Error("nothing was stored")
  overwrite({ machine: "2", records: new Map([[PORT, { ...record, state: "down" }]]) })
  const { changes, rival } = tick(true)
  expect(rival).toBe("2")
  expect(changes?.changed).toMatchObject([{ port: PORT, state: "up" }])
  expect(changes?.clock).toMatchObject({ machine: "1" })
  expect(tick(true).rival).toBeUndefined()
})

it("does not take a registry for empty that never had health, but one whose health is gone", () => {
  const { memory, snapshot, tick } = daemon()
  expect(emptiedSince(memory(), snapshot(), false)).toBeUndefined()
  tick(true)
  expect(emptiedSince(memory(), snapshot(), false)).toBeUndefined()
  const emptied = { ...snapshot(), health: { ...snapshot().health, records: new Map() } }
  expect(emptiedSince(memory(), emptied, false)).toBe("health")
  expect(emptiedSince(memory(), { ...snapshot(), claims: new Map() }, true)).toBe("claims")
})
