import * as Context from "effect/Context"

/**
 * When whoever asked stops waiting, in milliseconds since 1970. From then on nothing is begun for it any more: it may
 * have found another way, and would not know of what is done late.
 */
export class Deadline extends Context.Reference<Deadline>()("Deadline", {
  defaultValue: () => Number.POSITIVE_INFINITY
}) {}
