import * as Effect from "effect/Effect"
import type { Explanation } from "../domain/Explanation.ts"
import { NotSet } from "../domain/errors.ts"
import { CHECK_NAMES, type CheckName, worstFirst } from "../domain/Finding.ts"
import { healthFrom, healthNow } from "../domain/Health.ts"
import { readable } from "../domain/Ignored.ts"
import { type Listener, processOfListener } from "../domain/Listener.ts"
import { kindOf } from "../domain/names.ts"
import { contains, formatRange, type PortRange, partnerOf } from "../domain/PortRange.ts"
import { nextSlot, type Slot } from "../registry/allocator.ts"
import type { DoctorContext, Draft, View } from "./DoctorContext.ts"
import { withoutIgnored } from "./ignoring.ts"
import { obstacleTo } from "./obstacle.ts"
import { withFixes } from "./plan.ts"

/** The checks that are not about a port. */
const NOT_ABOUT_A_PORT: ReadonlyArray<CheckName> = [
  "store-reachable",
  "store-schema",
  "store-durable",
  "daemon-running",
  "daemon-probing",
  "host-shared",
  "range-full",
  "range-ephemeral"
]

/** How far away a reserved port is worth mentioning. */
const NEARBY = 5

/** Explains why `keys` have `port`. */
const whyAssigned = (context: DoctorContext, view: View, port: number, [key = ""]: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { appRange, specialRange } = context.settings
    const kind = kindOf(key)
    const range = kind === "special" ? specialRange : appRange
    const from = formatRange(range)
    if (!contains(range, port)) return `outside ${from}, the range for ${kind === "special" ? "specials" : "apps"}`
    if (kind === "special") return `one of the ports for specials, ${from}`
    const partner = partnerOf(port)
    const beside = `its partner ${partner} ${(yield* obstacleTo(context, view, partner)) ?? "is free"}`
    const parity =
      port % 2 === (kind === "prod" ? 0 : 1) ? `as expected for ${kind}` : `but ${kind} should have the other`
    return `${port % 2 === 0 ? "even" : "odd"} port of a pair in ${from}, ${parity}; ${beside}`
  })

/** Explains whether a free port would be allocated. */
const whyFree = (context: DoctorContext, view: View, port: number) =>
  Effect.gen(function* () {
    const { appRange, specialRange } = context.settings
    const own = yield* obstacleTo(context, view, port)
    if (own !== undefined) return [false, `unassigned and not available: it ${own}`] as const
    if (contains(specialRange, port)) {
      return [true, freeFor("special", yield* nextFree(context, view, specialRange, 1), port, port)] as const
    }
    if (!contains(appRange, port)) {
      const from = `${formatRange(appRange)} and ${formatRange(specialRange)}`
      const why = `free, but outside ${from}, so never allocated; to use it: d setPort --key KEY --value ${port}`
      return [false, why] as const
    }
    const partner = partnerOf(port)
    const theirs = yield* obstacleTo(context, view, partner)
    if (theirs !== undefined) {
      return [false, `free, but will not be allocated: ${partner}, the other half of its pair, ${theirs}`] as const
    }
    const next = yield* nextFree(context, view, appRange, 2)
    return [true, freeFor("app", next, Math.min(port, partner), port)] as const
  })

/** Returns the slot that the next allocation gets. */
const nextFree = (context: DoctorContext, view: View, range: PortRange, size: 1 | 2) =>
  Effect.gen(function* () {
    const bound = new Set(yield* context.bound)
    while (true) {
      const slot = nextSlot(range, size, { ports: view.ports, reserved: view.reserved, bound })
      if (slot._tag === "Full") return slot
      const ports = Array.from({ length: size }, (_, at) => slot.port + at)
      const busy = yield* Effect.filter(ports, (port) => Effect.map(context.inUse(port), (inUse) => inUse === true))
      if (busy.length === 0) return slot
      for (const port of busy) bound.add(port)
    }
  })

/** Explains which allocation gets a free port. `first` is the first port of its slot. */
const freeFor = (noun: "app" | "special", next: Slot, first: number, port: number): string =>
  next._tag === "Full" || next.port === first
    ? `free: the next ${noun} gets it`
    : `free: the next ${noun} gets ${next.port}; to use ${port}: d setPort --key KEY --value ${port}`

const shown = (listener: Listener): Explanation["listeners"][number] => ({
  address: listener.address,
  ...processOfListener(listener),
  since: listener.process?.startedAt ?? null
})

/** The keys that have `port`, as `explain` shows them. */
const keysOn = (view: View, port: number, served: boolean | undefined, now: string): Explanation["keys"] =>
  (view.keysOf.get(port) ?? []).map((key) => {
    const claim = view.claims.get(port)
    return {
      key,
      description: view.keys.get(key)?.description ?? null,
      claimed: claim?.key === key ? { at: claim.claimedAt, by: claim.by, host: claim.host } : null,
      owner: view.owners.get(key) ?? null,
      pinned: view.pinned.has(key),
      health: healthNow(healthFrom(view.healthOf(key), view.probedAt), served, now)
    }
  })

/** Whether `port` is served at this moment; undefined if that cannot be told. */
const isServed = ({ silentAmong }: DoctorContext, port: number, here: ReadonlyArray<Listener>) =>
  here.length > 0
    ? Effect.succeed(true)
    : Effect.map(silentAmong([port]), (silent) => (silent.has(port) ? false : undefined))

/** The reserved ports near `port`. */
const reservedNear = (view: View, port: number): Explanation["reserved"] =>
  [...view.reserved]
    .filter(([each]) => each !== port && Math.abs(each - port) <= NEARBY)
    .map(([each, reason]) => ({ port: each, reason }))
    .sort((a, b) => a.port - b.port)

/** Whether `port` could be allocated, and why it is assigned, or whether it is free. */
const placeOf = (context: DoctorContext, view: View, port: number) => {
  const holders = view.keysOf.get(port) ?? []
  return holders.length > 0
    ? Effect.map(whyAssigned(context, view, port, holders), (why) => [false, why] as const)
    : whyFree(context, view, port)
}

/** Narrows `context` to `port` and its listeners. A question about one port does not wait for the daemon. */
const focusedOn = (context: DoctorContext, port: number | undefined, here: ReadonlyArray<Listener>): DoctorContext => {
  const served = Effect.succeed(port === undefined ? new Map() : new Map([[port, here]]))
  return {
    ...context,
    rival: Effect.succeed(undefined),
    listeners: served,
    servedAmong: () => served,
    silent: context.silentAmong(port === undefined ? [] : [port])
  }
}

/** Explains a port, or the port that a key has or had. `run` runs checks. */
export const explain = (
  context: DoctorContext,
  about: { readonly key: string } | { readonly port: number },
  run: (context: DoctorContext, names: ReadonlyArray<CheckName>) => Effect.Effect<ReadonlyArray<Draft>>
) =>
  Effect.gen(function* () {
    const view = yield* context.view
    const port = "port" in about ? about.port : view.ports.get(about.key)
    const holders = port === undefined ? [] : (view.keysOf.get(port) ?? [])
    const named = "key" in about ? about.key : holders[0]
    const history = yield* context.store.history({ key: named, port })
    if ("key" in about && port === undefined && (view.rows.has(about.key) || history.length === 0)) {
      const stored = view.rows.get(about.key)
      return yield* new NotSet(stored === undefined ? { key: about.key } : { key: about.key, stored })
    }
    const here = port === undefined ? [] : ((yield* context.servedAmong([port])).get(port) ?? [])
    const drafts = yield* run(
      focusedOn(context, port, here),
      CHECK_NAMES.filter((name) => !NOT_ABOUT_A_PORT.includes(name))
    )
    const concerns = (finding: Draft) =>
      finding.keys.some((key) => holders.includes(key)) || (port !== undefined && finding.ports.includes(port))
    const { ignored, kept } = withoutIgnored(drafts.filter(concerns), readable(view.ignored))
    const findings = yield* withFixes(context, [...kept].sort(worstFirst))
    const quiet = ignored.filter((rule) => rule.findings.length > 0)
    const shared = { listeners: here.map(shown), history, findings, ignored: quiet }
    if (port === undefined) {
      const place = `${named} no longer has a port`
      const nothing = { keys: [], allocatable: false, inUse: null, reserved: [] }
      return { port: null, place, ...nothing, ...shared } satisfies Explanation
    }
    const [allocatable, place] = yield* placeOf(context, view, port)
    const inUse = (yield* context.inUse(port)) ?? null
    const served = yield* isServed(context, port, here)
    const keys = keysOn(view, port, served, new Date(context.now).toISOString())
    const reserved = reservedNear(view, port)
    return { port, keys, place, allocatable, inUse, reserved, ...shared } satisfies Explanation
  })
