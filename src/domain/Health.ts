export const HEALTH_STATES = ["unknown", "up", "down", "stale"] as const

/** The health of a port, as its probes have shown it so far. */
export type HealthState = (typeof HEALTH_STATES)[number]

/** Times are ISO 8601 in UTC, null if unknown. */
export interface Health {
  readonly state: HealthState
  readonly since: string | null
  readonly lastUp: string | null
  readonly checkedAt: string | null
}

/** The health of a port that was never probed. */
export const unwatched: Health = { state: "unknown", since: null, lastUp: null, checkedAt: null }

/** Returns the health of a port from its record, if there is one, and the time of the last probe. */
export const healthFrom = (known: Omit<Health, "checkedAt"> | undefined, checkedAt: string | null): Health =>
  known === undefined ? unwatched : { state: known.state, since: known.since, lastUp: known.lastUp, checkedAt }

/**
 * Returns the health of a port as it is shown: what is served at this moment is up, and what is not is not, whenever the
 * last probe was. `served` is undefined if that cannot be told.
 */
export const healthNow = (probed: Health, served: boolean | undefined, now: string): Health => {
  if (served === undefined || served === (probed.state === "up")) return probed
  return served
    ? { state: "up", since: null, lastUp: now, checkedAt: now }
    : { ...probed, state: "down", since: null, checkedAt: now }
}
