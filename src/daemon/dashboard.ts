import type { Results } from "../commands/Results.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { HttpPlace } from "./HttpPlace.ts"

/** How long to wait until HTTP is served, in milliseconds: its port may have to be assigned first. */
const LIMIT_MS = 20_000

/** Has HTTP served, and returns the address of the page with the token. */
export const openDashboard = async ({
  token,
  turnOn
}: typeof HttpPlace.Service): Promise<Results["dashboard"] | CommandError> => {
  const place = await turnOn(LIMIT_MS)
  const address = place?.address ?? null
  // Behind the #, it is sent nowhere and kept in no log.
  if (address !== null)
    return { address, url: `${address}/#token=${token.now()}`, once: `${address}/open/${token.code()}` }
  return {
    code: "unavailable",
    message: place?.problem ?? `HTTP is not served after ${LIMIT_MS / 1000} seconds`,
    hint: "d status shows when it is"
  }
}
