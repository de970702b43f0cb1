import type { Assignment } from "../domain/Assignment.ts"
import type { Description, KeyPort, Released, Renamed } from "../domain/CommandResult.ts"
import type { Exported, Found, Imported } from "../domain/Exchange.ts"
import type { Explanation } from "../domain/Explanation.ts"
import type { Fault } from "../domain/Fault.ts"
import type { Examination } from "../domain/Finding.ts"
import type { HealthState } from "../domain/Health.ts"
import type { PastOperation, TakenBack } from "../domain/PastOperation.ts"
import type { PortCheck } from "../domain/PortCheck.ts"
import type { Prunable, Stay } from "../domain/Prune.ts"
import type { Rival, Unstored } from "../domain/portHealth.ts"
import type { ReservedPort } from "../domain/ReservedPort.ts"

/** The result of each command: the document of `--json`. */
export interface Results {
  readonly allocate: {
    readonly assignments: ReadonlyArray<KeyPort & { readonly created: boolean }>
    readonly skipped: ReadonlyArray<{ readonly port: number; readonly reason: "bound"; readonly by: string | null }>
  }
  readonly getPort: KeyPort
  readonly setPort: KeyPort
  readonly listPorts: ReadonlyArray<Assignment>
  readonly deletePort: { readonly released: ReadonlyArray<Released> }
  readonly release: Results["deletePort"]
  readonly rename: Renamed
  readonly describe: { readonly described: ReadonlyArray<Description> }
  /** What was released, or would be with `dryRun`, and what is kept although it seems to be unused. */
  readonly prune: {
    readonly dryRun: boolean
    readonly pruned: ReadonlyArray<Omit<Prunable, "repository"> & { readonly evidence: string }>
    readonly kept: ReadonlyArray<{
      readonly key: string
      readonly port: number | null
      readonly reason: Stay["why"]
      readonly evidence: string
    }>
  }
  readonly pin: { readonly pinned: ReadonlyArray<Released> }
  readonly unpin: { readonly unpinned: ReadonlyArray<Released> }
  /** `port` is null if more than one was named. */
  readonly reserve: { readonly port: number | null; readonly reason: string; readonly ports: ReadonlyArray<number> }
  readonly unreserve: { readonly port: number | null; readonly ports: ReadonlyArray<number> }
  readonly listReserved: ReadonlyArray<ReservedPort>
  /** `trimmed` is how many events were deleted; null if that was not asked for. */
  readonly history: { readonly operations: ReadonlyArray<PastOperation>; readonly trimmed: number | null }
  readonly undo: TakenBack
  readonly redo: TakenBack
  readonly export: Exported
  /** `found` is what listens and has no key; null if that was not asked for. */
  readonly import: Imported & { readonly found: ReadonlyArray<Found> | null }
  readonly doctor: Examination
  readonly explain: Explanation
  /** `inUse`: whether something accepts connections on the port now; null if that is unknown. */
  readonly claim: KeyPort & { readonly app: string | null; readonly created: boolean; readonly inUse: boolean | null }
  readonly check: PortCheck
  readonly url: KeyPort & { readonly url: string }
  readonly backup: { readonly file: string; readonly bytes: number }
  readonly ping: { readonly pong: true; readonly pid: number; readonly waitSeconds: number; readonly clock: number }
  readonly probe: { readonly ports: number; readonly durationMs: number }
  readonly status: Status
  /**
   * `url` is the address of the page, with the token. `once` leads there once, within a minute: it may be an argument of a
   * program, which other users of the machine can read.
   */
  readonly dashboard: { readonly address: string; readonly url: string; readonly once: string }
}

/** Where a daemon serves HTTP, or why it does not although it should. */
export interface HttpStatus {
  readonly address: string | null
  readonly problem: string | null
}

/** How much of a range is in use. */
export interface RangeUse {
  readonly range: string
  readonly slots: number
  readonly claimed: number
}

export interface Status {
  readonly version: string
  readonly pid: number
  readonly uptimeSeconds: number
  /** The configuration file, the settings that changed since the daemon started, and why they cannot be used now. */
  readonly settings: {
    readonly file: string
    readonly changed: ReadonlyArray<string>
    readonly problem: string | null
  }
  /** `latencyMs` is null if the database does not respond; `error` says why. */
  readonly database: {
    readonly kind: string
    readonly label: string
    readonly latencyMs: number | null
    readonly error: string | null
  }
  readonly lastTick: { readonly at: string; readonly durationMs: number; readonly ports: number } | null
  /**
   * The probe interval; the time since the last tick, without the time that the machine slept; why the last tick
   * failed, if it did; another machine that uses this host's name, if there is one; and what the database refuses to
   * store about single ports.
   */
  readonly watching: {
    readonly intervalSeconds: number
    readonly idleSeconds: number | null
    readonly failure: string | null
    readonly fault: Fault | null
    readonly rival: Rival | null
    readonly unstored: ReadonlyArray<Unstored>
  }
  readonly ranges: { readonly app: RangeUse; readonly special: RangeUse } | null
  readonly health: Readonly<Record<HealthState, number>> | null
  /** Null if HTTP is off; absent if the daemon is older. */
  readonly http?: HttpStatus | null | undefined
}
