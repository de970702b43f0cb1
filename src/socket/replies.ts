import type { Results } from "../commands/Results.ts"
import type { CommandError } from "../domain/CommandError.ts"
import {
  type ExportedOwner,
  type ExportedReservation,
  type ExportedRule,
  FORMAT,
  FORMAT_VERSION
} from "../domain/Exchange.ts"
import { CHECK_NAMES } from "../domain/Finding.ts"
import { type PortCheck, VERDICTS } from "../domain/PortCheck.ts"
import { PRUNE_REASONS, STAY_REASONS } from "../domain/Prune.ts"
import { RESERVATION_SOURCES, type ReservedPort } from "../domain/ReservedPort.ts"
import {
  amount,
  flag,
  type Guard,
  isObject,
  isTrue,
  listOf,
  object,
  oneOf,
  orNull,
  pid,
  port,
  text,
  version
} from "./guards.ts"
import {
  assignment,
  explanation,
  exportedAssignment,
  failure,
  finding,
  ignored,
  imported,
  listenerProcess,
  pastOperation,
  status,
  takenBack
} from "./resultGuards.ts"

/** Validates the replies of a daemon completely before anything in them is used or printed. */

/** A valid reply of a daemon. */
export type Reply<N extends keyof Results> =
  | {
      readonly ok: true
      readonly version: string
      readonly result: Results[N]
      readonly notes: ReadonlyArray<string>
    }
  | { readonly ok: false; readonly version: string; readonly error: CommandError }

const isFormatVersion: Guard<typeof FORMAT_VERSION> = (value): value is typeof FORMAT_VERSION =>
  value === FORMAT_VERSION
/** An address of this machine: a browser may be sent there. */
const ownUrl: Guard<string> = (value): value is string =>
  typeof value === "string" && /^http:\/\/localhost:\d{1,5}(?:\/[\w#=/-]*)?$/.test(value)
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
      version: isFormatVersion,
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
          ...listenerProcess,
          since: orNull(text),
          own: orNull(flag),
          app: orNull(text)
        })
      )
    }),
  url: () => object({ key: text, port, url: text }),
  backup: () => object({ file: text, bytes: amount }),
  dashboard: () => object({ address: ownUrl, url: ownUrl, once: ownUrl }),
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
