import type { Health } from "./Health.ts"
import type { ListenerProcess } from "./Listener.ts"
import type { Kind } from "./names.ts"
import type { KeyOwner } from "./Owner.ts"

/** An assignment as `listPorts` shows it. */
export interface Assignment {
  readonly key: string
  readonly port: number
  readonly kind: Kind
  readonly app: string | null
  readonly description: string | null
  /** The host that claimed the key; null if it has no claim. */
  readonly host: string | null
  /** What it belongs to on this host; null if that is not known. */
  readonly owner: KeyOwner | null
  /** Keeps its port even if it is not used. */
  readonly pinned: boolean
  readonly health: Health
  readonly listener: (ListenerProcess & { readonly address: string }) | null
}
