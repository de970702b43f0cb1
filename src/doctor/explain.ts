import * as Effect from "effect/Effect"
import type { Explanation } from "../domain/Explanation.ts"
import { NotSet } from "../domain/errors.ts"
import { CHECK_NAMES, type CheckName, type Finding, worstFirst } from "../domain/Finding.ts"
import { healthFrom } from "../domain/Health.ts"
import type { Listener } from "../domain/Listener.ts"
import { kindOf } from "../domain/names.ts"
import { contains, formatRange, partnerOf } from "../domain/PortRange.ts"
import { nextSlot, type Slot } from "../registry/allocator.ts"
import { describeListener, names } from "../text/describe.ts"
import type { DoctorContext, View } from "./DoctorContext.ts"

/** The checks that say nothing of one port. */
const BESIDES: ReadonlyArray<CheckName> = [
  "store-reachable",
  "store-schema",
  "store-durable",
  "daemon-running",
  "daemon-probing",
  "host-shared",
  "range-full",
  "range-ephemeral"
]

/** Ports on either side whose being held back is worth knowing. */
const NEARBY = 5

/** Why `keys` have `port`. */
const whyAssigned = (
  { settings }: DoctorContext,
  view: View,
  port: number,
  [key = ""]: ReadonlyArray<string>
): string => {
  const kind = kindOf(key)
  const range = kind === "special" ? settings.specialRange : settings.appRange
  const from = formatRange(range)
  if (!contains(range, port)) return `outside ${from}, where ${kind === "special" ? "specials" : "apps"} get theirs`
  if (kind === "special") return `one of the ports for specials, ${from}`
  const partner = partnerOf(port)
  const other = view.keysOf.get(partner)
  const beside =
    other === undefined ? `${partner} beside it is free` : `${partner} beside it belongs to ${names(other)}`
  const parity = port % 2 === (kind === "prod" ? 0 : 1) ? "as it should" : `and ${kind} should have the other`
  return `the ${port % 2 === 0 ? "even" : "odd"} port of a pair of ${from}, ${parity}; ${beside}`
}

/** Whether a free port could be allocated, and why. */
const whyFree = (
  { settings }: DoctorContext,
  view: View,
  port: number,
  listeners: ReadonlyMap<number, ReadonlyArray<Listener>>
): readonly [allocatable: boolean, why: string] => {
  const { appRange, specialRange } = settings
  const obstacle = (each: number): string | undefined => {
    const keys = view.keysOf.get(each)
    const reason = view.reserved.get(each)
    const [listener] = listeners.get(each) ?? []
    if (keys !== undefined) return `belongs to ${names(keys)}`
    if (reason !== undefined) return `is reserved: ${reason}`
    return listener === undefined ? undefined : `is in use by ${describeListener(listener)}`
  }
  const own = obstacle(port)
  if (own !== undefined) return [false, `nobody's, and not to be allocated: it ${own}`]
  const world = { ports: view.ports, reserved: view.reserved, bound: new Set(listeners.keys()) }
  if (contains(specialRange, port)) {
    const next = nextSlot(specialRange, 1, world)
    return [true, freeFor("special", next, port, port)]
  }
  if (!contains(appRange, port)) {
    const from = `${formatRange(appRange)} and ${formatRange(specialRange)}`
    return [false, `free, and outside ${from}, where allocation takes ports from: d setPort --key KEY --value ${port}`]
  }
  const partner = partnerOf(port)
  const theirs = obstacle(partner)
  if (theirs !== undefined) {
    return [false, `free, and not to be allocated: ${partner}, the other half of the pair, ${theirs}`]
  }
  const next = nextSlot(appRange, 2, world)
  return [true, freeFor("app", next, Math.min(port, partner), port)]
}

/** What a free port is free for; `first` is the first port of its slot. */
const freeFor = (noun: "app" | "special", next: Slot, first: number, port: number): string =>
  next._tag === "Full" || next.port === first
    ? `free: the next ${noun} gets it`
    : `free: the next ${noun} gets ${next.port}; d setPort --key KEY --value ${port} takes it`

const shown = ({ address, process, user }: Listener): Explanation["listeners"][number] => ({
  address,
  user,
  pid: process?.pid ?? null,
  command: process?.command ?? null,
  directory: process?.directory ?? null,
  unit: process?.unit ?? null,
  container: process?.container ?? null,
  since: process?.startedAt ?? null
})

/** Everything about a port, or about the port that a key has or had. `run` makes checks. */
export const explain = (
  context: DoctorContext,
  about: { readonly key: string } | { readonly port: number },
  run: (context: DoctorContext, names: ReadonlyArray<CheckName>) => Effect.Effect<ReadonlyArray<Finding>>
) =>
  Effect.gen(function* () {
    const { store } = context
    const view = yield* context.view
    const port = "port" in about ? about.port : view.ports.get(about.key)
    const holders = port === undefined ? [] : (view.keysOf.get(port) ?? [])
    const named = "key" in about ? about.key : holders[0]
    const history = yield* store.history({ key: named, port })
    if ("key" in about && port === undefined && (view.rows.has(about.key) || history.length === 0)) {
      const stored = view.rows.get(about.key)
      return yield* new NotSet(stored === undefined ? { key: about.key } : { key: about.key, stored })
    }
    const everything = yield* context.listeners
    const here = (port === undefined ? undefined : everything.get(port)) ?? []
    const focused: DoctorContext = {
      ...context,
      // A question about one port is not to wait for the daemon.
      rival: Effect.succeed(undefined),
      listeners: Effect.succeed(port === undefined ? new Map() : new Map([[port, here]])),
      silent: context.silentAmong(port === undefined ? [] : [port])
    }
    const findings = yield* run(
      focused,
      CHECK_NAMES.filter((name) => !BESIDES.includes(name))
    )
    const touches = (finding: Finding) =>
      finding.keys.some((key) => holders.includes(key)) || (port !== undefined && finding.ports.includes(port))
    const [allocatable, place] =
      port === undefined
        ? [false, `${named} has no port any more`]
        : holders.length > 0
          ? [false, whyAssigned(context, view, port, holders)]
          : whyFree(context, view, port, everything)
    return {
      port: port ?? null,
      keys: holders.map((key) => {
        const claim = port === undefined ? undefined : view.claims.get(port)
        return {
          key,
          description: view.keys.get(key)?.description ?? null,
          claimed: claim?.key === key ? { at: claim.claimedAt, by: claim.by, host: claim.host } : null,
          owner: view.owners.get(key) ?? null,
          health: healthFrom(view.healthOf(key), view.probedAt)
        }
      }),
      place,
      allocatable,
      reserved: [...view.reserved]
        .filter(([each]) => port !== undefined && each !== port && Math.abs(each - port) <= NEARBY)
        .map(([each, reason]) => ({ port: each, reason }))
        .sort((a, b) => a.port - b.port),
      listeners: here.map(shown),
      history,
      findings: findings.filter(touches).sort(worstFirst)
    } satisfies Explanation
  })
