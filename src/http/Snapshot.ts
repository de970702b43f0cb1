import type { Assignment } from "../domain/Assignment.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { PortRange } from "../domain/PortRange.ts"

/** What metrics and discovery say, at one moment. */
export interface Snapshot {
  readonly ranges: { readonly app: PortRange; readonly special: PortRange }
  /** When the last probe cycle ended, and whether one failed since. */
  readonly lastTick: string | undefined
  readonly isTickFailing: boolean
  /** Undefined if the database does not answer. */
  readonly registry:
    | {
        readonly latencyMs: number
        readonly assignments: ReadonlyArray<Assignment>
        readonly reserved: ReadonlyArray<number>
        /** The ports that something listens on; empty if they cannot be read. */
        readonly listening: ReadonlySet<number>
      }
    | undefined
}

/** There is none, because of a bug. */
export interface SnapshotFailed {
  readonly failure: CommandError
}
