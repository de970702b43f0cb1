import type { HttpStatus, Results } from "../commands/Results.ts"
import type { Assignment } from "../domain/Assignment.ts"
import { type CommandError, type ErrorCode, EXIT_CODES } from "../domain/CommandError.ts"
import {
  type ExportedAssignment,
  type ExportedOwner,
  type ExportedReservation,
  type ExportedRule,
  FORMAT,
  FORMAT_VERSION,
  type Found,
  ON_CONFLICT,
  REFUSALS,
  type Refused,
  type Stamp
} from "../domain/Exchange.ts"
import type { Explanation } from "../domain/Explanation.ts"
import type { Fault } from "../domain/Fault.ts"
import { CHECK_NAMES, type Finding, type IgnoredFindings, SEVERITIES } from "../domain/Finding.ts"
import type { Health } from "../domain/Health.ts"
import { HEALTH_STATES } from "../domain/Health.ts"
import type { HistoryEvent } from "../domain/HistoryEvent.ts"
import { PORT_MAX } from "../domain/names.ts"
import { type KeyOwner, OWNER_KINDS } from "../domain/Owner.ts"
import type { Altered, PastChange, PastOperation, TakenBack } from "../domain/PastOperation.ts"
import { type PortCheck, VERDICTS } from "../domain/PortCheck.ts"
import { PRUNE_REASONS, STAY_REASONS } from "../domain/Prune.ts"
import { RESERVATION_SOURCES, type ReservedPort } from "../domain/ReservedPort.ts"

/**
 * Validates the replies of a daemon completely before anything in them is used or printed. The guards are written by
 * hand, because loading a library would slow down every command; the compiler checks them against the types of the
 * results.
 */

/** A valid reply of a daemon. */
export type Reply<N extends keyof Results> =
  | {
      readonly ok: true
      readonly version: string
      readonly result: Results[N]
      readonly notes: ReadonlyArray<string>
    }
  | { readonly ok: false; readonly version: string; readonly error: CommandError }

type Guard<A> = (value: unknown) => value is A

const text: Guard<string> = (value): value is string => typeof value === "string"
const amount: Guard<number> = (value): value is number => Number.isFinite(value)
const flag: Guard<boolean> = (value): value is boolean => typeof value === "boolean"
const isTrue: Guard<true> = (value): value is true => value === true
const pid: Guard<number> = (value): value is number => Number.isSafeInteger(value) && Number(value) > 0
const port: Guard<number> = (value): value is number => pid(value) && value <= PORT_MAX

const orNull =
  <A>(guard: Guard<A>): Guard<A | null> =>
  (value): value is A | null =>
    value === null || guard(value)

const listOf =
  <A>(guard: Guard<A>): Guard<ReadonlyArray<A>> =>
  (value): value is ReadonlyArray<A> =>
    Array.isArray(value) && value.every(guard)

const oneOf =
  <A extends string>(all: ReadonlyArray<A>): Guard<A> =>
  (value): value is A =>
    all.some((each) => each === value)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** An object with at least these fields. */
const object =
  <A extends object>(fields: { readonly [K in keyof A]-?: Guard<A[K]> }): Guard<A> =>
  (value): value is A =>
    isObject(value) && Object.entries<Guard<unknown>>(fields).every(([name, guard]) => guard(value[name]))

const version: Guard<string> = (value): value is string => text(value) && /^[\w.+-]{1,64}$/.test(value)

const failure = () =>
  object<CommandError>({
    code: oneOf(Object.keys(EXIT_CODES) as ReadonlyArray<ErrorCode>),
    message: text,
    hint: text
  })

const health = () =>
  object<Health>({
    state: oneOf(HEALTH_STATES),
    since: orNull(text),
    lastUp: orNull(text),
    checkedAt: orNull(text)
  })

const keyOwner = () =>
  object<KeyOwner>({ kind: oneOf(OWNER_KINDS), name: text, since: text, seen: orNull(text), said: flag })

const assignment = () =>
  object<Assignment>({
    key: text,
    port,
    kind: oneOf(["prod", "dev", "special"]),
    app: orNull(text),
    description: orNull(text),
    host: orNull(text),
    owner: orNull(keyOwner()),
    pinned: flag,
    health: health(),
    listener: orNull(
      object({
        address: text,
        pid: orNull(pid),
        command: orNull(text),
        directory: orNull(text),
        unit: orNull(text),
        container: orNull(text),
        user: text
      })
    )
  })

const finding = () =>
  object<Finding>({
    check: oneOf(CHECK_NAMES),
    severity: oneOf(SEVERITIES),
    keys: listOf(text),
    ports: listOf(amount),
    message: text,
    evidence: text,
    fix: orNull(text),
    remedy: orNull(text),
    advice: orNull(text)
  })

const ignored = () =>
  object<IgnoredFindings>({
    check: oneOf(CHECK_NAMES),
    key: orNull(text),
    port: orNull(port),
    reason: text,
    at: text,
    host: text,
    by: text,
    findings: listOf(object({ severity: oneOf(SEVERITIES), message: text }))
  })

const event = () =>
  object<HistoryEvent>({
    at: text,
    what: text,
    key: orNull(text),
    oldPort: orNull(amount),
    newPort: orNull(amount),
    detail: orNull(text),
    host: text,
    user: text,
    program: text
  })

const explanation = () =>
  object<Explanation>({
    port: orNull(port),
    keys: listOf(
      object<Explanation["keys"][number]>({
        key: text,
        description: orNull(text),
        claimed: orNull(object({ at: text, by: text, host: text })),
        owner: orNull(keyOwner()),
        pinned: flag,
        health: health()
      })
    ),
    place: text,
    allocatable: flag,
    inUse: orNull(flag),
    reserved: listOf(object({ port, reason: text })),
    listeners: listOf(
      object<Explanation["listeners"][number]>({
        address: text,
        user: text,
        pid: orNull(pid),
        command: orNull(text),
        directory: orNull(text),
        unit: orNull(text),
        container: orNull(text),
        since: orNull(text)
      })
    ),
    history: listOf(event()),
    findings: listOf(finding()),
    ignored: listOf(ignored())
  })

/** What an older daemon does not know of is absent. */
const orAbsent =
  <A>(guard: Guard<A>): Guard<A | undefined> =>
  (value): value is A | undefined =>
    value === undefined || guard(value)

const altered = () => orAbsent(object<Altered>({ before: orNull(text), after: orNull(text) }))

const recorded = () => ({
  number: pid,
  at: text,
  what: text,
  host: text,
  user: text,
  program: text,
  takesBack: orNull(pid),
  undoable: flag,
  changes: listOf(
    object<PastChange>({
      what: text,
      key: orNull(text),
      oldPort: orNull(amount),
      newPort: orNull(amount),
      detail: orNull(text),
      description: altered(),
      owner: altered()
    })
  )
})

const pastOperation = () => object<PastOperation>({ ...recorded(), takenBackBy: orNull(pid) })

const takenBack = () =>
  object<TakenBack>({
    operation: object<TakenBack["operation"]>(recorded()),
    dryRun: flag,
    changes: listOf(
      object<TakenBack["changes"][number]>({
        key: orNull(text),
        oldPort: orNull(amount),
        newPort: orNull(amount),
        description: altered(),
        owner: altered()
      })
    )
  })

const FAULTS = Object.keys({
  down: true,
  silent: true,
  credentials: true,
  "no-database": true,
  "read-only": true,
  rights: true,
  other: true
} satisfies Record<Fault, true>) as ReadonlyArray<Fault>
const use = () => object({ range: text, slots: amount, claimed: amount })

const status = () =>
  object<Results["status"]>({
    version,
    pid,
    uptimeSeconds: amount,
    settings: object({ file: text, changed: listOf(text), problem: orNull(text) }),
    database: object({ kind: text, label: text, latencyMs: orNull(amount), error: orNull(text) }),
    lastTick: orNull(object({ at: text, durationMs: amount, ports: amount })),
    watching: object({
      intervalSeconds: amount,
      idleSeconds: orNull(amount),
      failure: orNull(text),
      fault: orNull(oneOf(FAULTS)),
      rival: orNull(object({ machine: text, at: text })),
      unstored: listOf(object({ what: oneOf(["health", "listener", "owner"]), key: text, port, reason: text }))
    }),
    ranges: orNull(object({ app: use(), special: use() })),
    health: orNull(object({ unknown: amount, up: amount, down: amount, stale: amount })),
    http: orAbsent(orNull(object<HttpStatus>({ address: orNull(text), problem: orNull(text) })))
  })

const isOne: Guard<typeof FORMAT_VERSION> = (value): value is typeof FORMAT_VERSION => value === FORMAT_VERSION
const stamp = () => object<Stamp>({ at: text, host: text, by: text })

const exportedAssignment = () =>
  object<ExportedAssignment>({
    key: text,
    port: orNull(port),
    description: orNull(text),
    shared: flag,
    stored: orNull(text),
    claimed: orNull(stamp()),
    created: orNull(stamp()),
    pinned: orNull(stamp())
  })

const imported = () =>
  object<Results["import"]>({
    dryRun: flag,
    onConflict: oneOf(ON_CONFLICT),
    changed: flag,
    imported: listOf(object({ key: text, port: orNull(port), from: orNull(port) })),
    described: listOf(text),
    present: amount,
    refused: listOf(
      object<Refused>({
        line: orNull(amount),
        key: text,
        port: text,
        reason: oneOf(REFUSALS),
        problem: orNull(text),
        field: orNull(oneOf(["key", "port", "description"])),
        holders: listOf(text),
        current: orNull(port),
        proposal: orNull(text)
      })
    ),
    owners: amount,
    pinned: amount,
    reservations: amount,
    ignored: amount,
    found: orNull(
      listOf(
        object<Found>({
          port,
          key: orNull(text),
          because: orNull(text),
          user: text,
          pid: orNull(pid),
          command: orNull(text),
          directory: orNull(text),
          unit: orNull(text),
          container: orNull(text),
          project: orNull(text),
          owner: orNull(object({ kind: text, name: text }))
        })
      )
    )
  })

const keyPort = () => object({ key: text, port })
const keysWithPorts = () => listOf(object({ key: text, port: orNull(amount) }))
const released = () => object({ released: keysWithPorts() })

/** The guard of each command's result. A guard is built only when it is used. */
const results: { readonly [N in keyof Results]: () => Guard<Results[N]> } = {
  allocate: () =>
    object<Results["allocate"]>({
      assignments: listOf(object({ key: text, port, created: flag })),
      skipped: listOf(object({ port, reason: oneOf(["bound"]), by: orNull(text) }))
    }),
  getPort: keyPort,
  setPort: keyPort,
  listPorts: () => listOf(assignment()),
  deletePort: released,
  release: released,
  rename: () =>
    object<Results["rename"]>({
      key: orNull(text),
      port: orNull(port),
      renamed: listOf(object({ from: text, key: text, port }))
    }),
  describe: () => object({ described: listOf(object({ key: text, port, description: orNull(text) })) }),
  prune: () =>
    object<Results["prune"]>({
      dryRun: flag,
      pruned: listOf(
        object<Results["prune"]["pruned"][number]>({
          key: text,
          port,
          reasons: listOf(oneOf(PRUNE_REASONS)),
          staleSince: orNull(text),
          lastUp: orNull(text),
          directory: orNull(text),
          evidence: text
        })
      ),
      kept: listOf(
        object<Results["prune"]["kept"][number]>({
          key: text,
          port: orNull(port),
          reason: oneOf(STAY_REASONS),
          evidence: text
        })
      )
    }),
  pin: () => object({ pinned: keysWithPorts() }),
  unpin: () => object({ unpinned: keysWithPorts() }),
  reserve: () => object<Results["reserve"]>({ port: orNull(port), reason: text, ports: listOf(port) }),
  unreserve: () => object<Results["unreserve"]>({ port: orNull(port), ports: listOf(port) }),
  listReserved: () =>
    listOf(
      object<ReservedPort>({
        port,
        source: oneOf(RESERVATION_SOURCES),
        reason: text,
        at: orNull(text),
        by: orNull(text),
        host: orNull(text)
      })
    ),
  history: () => object<Results["history"]>({ operations: listOf(pastOperation()), trimmed: orNull(amount) }),
  undo: takenBack,
  redo: takenBack,
  export: () =>
    object<Results["export"]>({
      format: oneOf([FORMAT]),
      version: isOne,
      assignments: listOf(exportedAssignment()),
      owners: listOf(
        object<ExportedOwner>({
          key: text,
          host: text,
          kind: text,
          name: text,
          said: flag,
          since: text,
          seen: orNull(text)
        })
      ),
      reservations: listOf(object<ExportedReservation>({ port, reason: text, at: text, host: text, by: text })),
      ignored: listOf(
        object<ExportedRule>({
          check: oneOf(CHECK_NAMES),
          key: orNull(text),
          port: orNull(port),
          reason: text,
          at: text,
          host: text,
          by: text
        })
      )
    }),
  import: imported,
  doctor: () =>
    object<Results["doctor"]>({
      healthy: flag,
      checkedAt: text,
      store: text,
      looked: object({ assignments: orNull(amount), listeners: amount }),
      mended: listOf(text),
      findings: listOf(finding()),
      omitted: amount,
      ignored: listOf(ignored()),
      ran: listOf(oneOf(CHECK_NAMES)),
      failed: listOf(oneOf(CHECK_NAMES))
    }),
  explain: explanation,
  claim: () => object<Results["claim"]>({ key: text, port, app: orNull(text), created: flag, inUse: orNull(flag) }),
  check: () =>
    object<Results["check"]>({
      key: text,
      port,
      directory: text,
      verdict: oneOf(VERDICTS),
      listeners: listOf(
        object<PortCheck["listeners"][number]>({
          address: text,
          user: text,
          pid: orNull(pid),
          command: orNull(text),
          directory: orNull(text),
          unit: orNull(text),
          container: orNull(text),
          since: orNull(text),
          own: orNull(flag),
          app: orNull(text)
        })
      )
    }),
  url: () => object({ key: text, port, url: text }),
  backup: () => object({ file: text, bytes: amount }),
  probe: () => object({ ports: amount, durationMs: amount }),
  ping: () => object({ pong: isTrue, pid, waitSeconds: amount, clock: amount }),
  status
}

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Parses `line` as the reply to `command`; `undefined` if it is not a valid reply of a daemon of d. */
export const readReply = <N extends keyof Results>(command: N, line: string): Reply<N> | undefined => {
  const reply = parse(line)
  if (!isObject(reply) || !version(reply["version"])) return undefined
  const { error, notes = [], ok, result, version: theirs } = reply
  if (ok === false && failure()(error)) return { ok, version: theirs, error }
  const guard = results[command]()
  return ok === true && guard(result) && listOf(text)(notes) ? { ok, version: theirs, result, notes } : undefined
}
