import * as Context from "effect/Context"

/**
 * When the client stops waiting, by `performance.now()`. Nothing is started for it after that: it may have run the
 * command without the daemon, and would not learn of a late change.
 */
export class RequestDeadline extends Context.Reference<RequestDeadline>()("Deadline", {
  defaultValue: () => Number.POSITIVE_INFINITY
}) {}
