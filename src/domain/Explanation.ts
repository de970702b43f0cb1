import type { Finding, IgnoredFindings } from "./Finding.ts"
import type { Health } from "./Health.ts"
import type { HistoryEvent } from "./HistoryEvent.ts"
import type { ListenerProcess } from "./Listener.ts"
import type { KeyOwner } from "./Owner.ts"

/** The result of `explain`: everything about one port. Times are ISO 8601. */
export interface Explanation {
  /** Null if the key no longer has a port, so that only its history is left. */
  readonly port: number | null
  /** The keys that have the port; more than one only if it was forced. */
  readonly keys: ReadonlyArray<{
    readonly key: string
    readonly description: string | null
    readonly claimed: { readonly at: string; readonly by: string; readonly host: string } | null
    /** The owner of the key on this host. */
    readonly owner: KeyOwner | null
    /** Keeps its port even if it is not used. */
    readonly pinned: boolean
    readonly health: Health
  }>
  /** Why the keys have this port; if it is free, whether it could be allocated. */
  readonly place: string
  /** Whether the port could be allocated; false if it is assigned. */
  readonly allocatable: boolean
  /** Whether something has bound the port, even if it does not listen or is not visible; null if unknown. */
  readonly inUse: boolean | null
  /** Reserved ports near it. */
  readonly reserved: ReadonlyArray<{ readonly port: number; readonly reason: string }>
  readonly listeners: ReadonlyArray<
    ListenerProcess & {
      readonly address: string
      readonly since: string | null
    }
  >
  /** The last changes to the port or the key, newest first. */
  readonly history: ReadonlyArray<HistoryEvent>
  readonly findings: ReadonlyArray<Finding>
  /** The findings about it that are ignored, by rule. */
  readonly ignored: ReadonlyArray<IgnoredFindings>
}
