import * as Context from "effect/Context"

/**
 * When the client stops waiting, by `performance.now()`. From then on nothing is begun for it: it may have found another
 * way, and would not know of what is done late.
 */
export class RequestDeadline extends Context.Reference<RequestDeadline>()("Deadline", {
  defaultValue: () => Number.POSITIVE_INFINITY
}) {}
