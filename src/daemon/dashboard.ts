import * as Effect from "effect/Effect"
import type { Results } from "../commands/Results.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { HttpControl } from "./HttpControl.ts"

/** How long to wait until HTTP is served, in milliseconds: its port may have to be assigned first. */
const LIMIT_MS = 20_000

/** Has HTTP served, and returns the address of the page with the token. */
export const openDashboard = ({ token, turnOn }: typeof HttpControl.Service) =>
  Effect.map(turnOn(LIMIT_MS), (status): Results["dashboard"] | CommandError => {
    const address = status?.address ?? null
    // Behind the #, it is sent nowhere and kept in no log.
    if (address !== null)
      return { address, url: `${address}/#token=${token.now()}`, once: `${address}/open/${token.code()}` }
    return {
      code: "unavailable",
      message: status?.problem ?? `HTTP is not served after ${LIMIT_MS / 1000} seconds`,
      hint: "d status shows when it is"
    }
  })
