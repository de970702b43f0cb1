import type { Finding } from "./Finding.ts"
import type { Health } from "./Health.ts"
import type { HistoryEvent } from "./HistoryEvent.ts"
import type { KeyOwner } from "./Owner.ts"

/** Everything about one port. Times are ISO 8601. */
export interface Explanation {
  /** Null where a key has none any more, and the history is all there is. */
  readonly port: number | null
  /** Those that have the port; more than one where somebody forced it. */
  readonly keys: ReadonlyArray<{
    readonly key: string
    readonly description: string | null
    readonly claimed: { readonly at: string; readonly by: string; readonly host: string } | null
    /** Whose the key is on this host. */
    readonly owner: KeyOwner | null
    readonly health: Health
  }>
  /** Why it is this port, or, where it is free, whether it could be allocated. */
  readonly place: string
  /** Whether allocation could give it out; false where it is assigned. */
  readonly allocatable: boolean
  /** Ports held back beside it. */
  readonly reserved: ReadonlyArray<{ readonly port: number; readonly reason: string }>
  readonly listeners: ReadonlyArray<{
    readonly address: string
    readonly user: string
    readonly pid: number | null
    readonly command: string | null
    readonly directory: string | null
    readonly unit: string | null
    readonly container: string | null
    readonly since: string | null
  }>
  /** The last changes to the port or the key, the newest first. */
  readonly history: ReadonlyArray<HistoryEvent>
  readonly findings: ReadonlyArray<Finding>
}
