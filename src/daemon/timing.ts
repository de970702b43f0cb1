import { findCommand } from "../commands/commands.ts"
import type { Observed } from "../http/metrics.ts"
import type { Outcome, Request } from "./connection.ts"

export type Route = (request: Request) => Promise<Outcome>

/** Measures the requests that a router answers, once there is something to tell it to. */
export const timing = (route: Route) => {
  let tell: ((observed: Observed) => void) | undefined
  const measured = async (request: Request, via: Observed["via"], told: (observed: Observed) => void) => {
    const before = performance.now()
    const outcome = await route(request)
    const { command: name } = request
    // Anything may stand there, even what cannot be made a string.
    const command = typeof name === "string" && findCommand(name) !== undefined ? name : "other"
    told({ command, via, seconds: (performance.now() - before) / 1000, ok: outcome.ok !== false })
    return outcome
  }
  return {
    observe: (each: (observed: Observed) => void): void => {
      tell = each
    },
    timed:
      (via: Observed["via"]): Route =>
      (request) =>
        tell === undefined ? route(request) : measured(request, via, tell)
  }
}
