import type { HttpStatus, Results } from "../commands/Results.ts"
import type { Assignment } from "../domain/Assignment.ts"
import { type CommandError, type ErrorCode, EXIT_CODES } from "../domain/CommandError.ts"
import type { Container } from "../domain/Container.ts"
import {
  type ExportedAssignment,
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
import { type KeyOwner, OWNER_KINDS } from "../domain/Owner.ts"
import type { Altered, PastChange, PastOperation, TakenBack } from "../domain/PastOperation.ts"
import { amount, flag, listOf, object, oneOf, orAbsent, orNull, pid, port, text, version } from "./guards.ts"

/** The guards of the documents that are parts of results. A guard is built only when it is used. */

export const failure = () =>
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

const container = () =>
  object<Container>({
    id: text,
    name: orNull(text),
    image: orNull(text),
    project: orNull(text),
    service: orNull(text),
    directory: orNull(text),
    cli: listOf(text)
  })

export const listenerProcess = {
  user: text,
  pid: orNull(pid),
  command: orNull(text),
  directory: orNull(text),
  unit: orNull(text),
  container: orNull(text),
  containerDetails: orAbsent(orNull(container()))
}

export const assignment = () =>
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
        ...listenerProcess
      })
    )
  })

export const finding = () =>
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

export const ignored = () =>
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

export const explanation = () =>
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
        ...listenerProcess,
        since: orNull(text)
      })
    ),
    history: listOf(event()),
    findings: listOf(finding()),
    ignored: listOf(ignored())
  })

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

export const pastOperation = () => object<PastOperation>({ ...recorded(), takenBackBy: orNull(pid) })

export const takenBack = () =>
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

export const status = () =>
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

const stamp = () => object<Stamp>({ at: text, host: text, by: text })

export const exportedAssignment = () =>
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

export const imported = () =>
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
          ...listenerProcess,
          project: orNull(text),
          owner: orNull(object({ kind: text, name: text }))
        })
      )
    )
  })
