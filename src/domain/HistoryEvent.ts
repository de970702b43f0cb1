/** One change in the history. */
export interface HistoryEvent {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly what: string
  readonly key: string | null
  readonly oldPort: number | null
  readonly newPort: number | null
  /** A description, a reason, a former name. */
  readonly detail: string | null
  readonly host: string
  readonly user: string
  readonly program: string
}
