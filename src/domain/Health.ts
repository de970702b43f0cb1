export const HEALTH_STATES = ["unknown", "up", "down", "stale"] as const

/** The health of a port, by the probes of it so far. */
export type HealthState = (typeof HEALTH_STATES)[number]

/** Times are ISO 8601 in UTC, null if unknown. */
export interface Health {
  readonly state: HealthState
  readonly since: string | null
  readonly lastUp: string | null
  readonly checkedAt: string | null
}

/** The health of a port that nobody has looked at. */
export const unwatched: Health = { state: "unknown", since: null, lastUp: null, checkedAt: null }

/** What is shown of the health of a port, by what is known of it and when it was last looked at. */
export const healthFrom = (known: Omit<Health, "checkedAt"> | undefined, checkedAt: string | null): Health =>
  known === undefined ? unwatched : { state: known.state, since: known.since, lastUp: known.lastUp, checkedAt }
