import * as Schema from "effect/Schema"
import { HEALTH_STATES } from "./rules.ts"

export { HEALTH_STATES }

/** What the looks at a port add up to. */
export const HealthState = Schema.Literal(...HEALTH_STATES)
export type HealthState = typeof HealthState.Type

/** Times are ISO 8601 in UTC, null where unknown. */
export const Health = Schema.Struct({
  state: HealthState,
  since: Schema.NullOr(Schema.String),
  lastUp: Schema.NullOr(Schema.String),
  checkedAt: Schema.NullOr(Schema.String)
})
export type Health = typeof Health.Type

/** The health of a port that nobody has looked at. */
export const unwatched: Health = { state: "unknown", since: null, lastUp: null, checkedAt: null }

/** What is shown of the health of a port, by what is known of it and when it was last looked at. */
export const healthFrom = (known: Omit<Health, "checkedAt"> | undefined, checkedAt: string | null): Health =>
  known === undefined ? unwatched : { state: known.state, since: known.since, lastUp: known.lastUp, checkedAt }
