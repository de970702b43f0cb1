import { CommandFailed } from "../domain/CommandFailed.ts"
import type { ProxyApplied } from "../domain/Proxy.ts"
import { unifiedDiff } from "../text/unifiedDiff.ts"
import { type Admin, change, readConfig } from "./caddyAdmin.ts"
import { currentRoute, nextStep, type Placed, wantedRoute } from "./caddyRoute.ts"
import type { Setup } from "./Target.ts"

/** Changes a running Caddy, or compares it. */

/** A change of the port takes two steps, and each may have to be repeated. */
const STEPS_MAX = 20

const asText = (placed: Placed | undefined): string =>
  placed === undefined ? "" : `${JSON.stringify(placed, undefined, 2)}\n`

/** The difference between the route that a running Caddy has and the one that it should have. */
interface Compared {
  readonly change: ProxyApplied["change"]
  readonly diff: string
}

/** Compares the route that Caddy has with the one that it should have. */
export const compareLive = async (admin: Admin, setup: Setup): Promise<Compared> => {
  const { value } = await readConfig(admin)
  const now = currentRoute(value)
  const wanted = wantedRoute(value, setup)
  const diff = unifiedDiff(`Caddy at ${admin.shown}`, now && asText(now), asText(wanted))
  if (nextStep(value, setup) === undefined) return { change: "none", diff: "" }
  return { change: now === undefined ? "made" : wanted === undefined ? "removed" : "changed", diff }
}

/**
 * Changes the route as it should be. It is not read again then: two commands that want different names would go on changing it
 * against each other.
 */
export const applyLive = async (admin: Admin, setup: Setup): Promise<void> => {
  for (let left = STEPS_MAX; left > 0; left--) {
    const { etag, value } = await readConfig(admin)
    const step = nextStep(value, setup)
    if (step === undefined) return
    const isMade = await change(admin, step, etag)
    if (isMade && step.method !== "DELETE") return
  }
  throw new CommandFailed({
    code: "unavailable",
    message: `the configuration of Caddy at ${admin.shown} is being changed by another program`,
    hint: "try again"
  })
}
