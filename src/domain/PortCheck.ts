import type { ListenerProcess } from "./Listener.ts"

/** Whether the listener on a port belongs to a directory. */
export const VERDICTS = ["own", "nothing", "other", "unknown"] as const

/** `own`: it does. `nothing`: nothing listens. `other`: another one's does. `unknown`: that cannot be found out. */
export type Verdict = (typeof VERDICTS)[number]

/** What listens on a port, and whether it is the app of a directory. */
export interface PortCheck {
  readonly key: string
  readonly port: number
  readonly directory: string
  readonly verdict: Verdict
  readonly listeners: ReadonlyArray<
    /** The directory of a container is that of its compose project. */
    ListenerProcess & {
      readonly address: string
      /** ISO 8601. */
      readonly since: string | null
      /** Whether it belongs to the directory; null if that is unknown. */
      readonly own: boolean | null
      /** The app whose directory it works in, if that is another one than the key's. */
      readonly app: string | null
    }
  >
}
