import { createHash, timingSafeEqual } from "node:crypto"
import type { HttpError } from "./failure.ts"

const BEARER = /^Bearer +([\w~+/.=-]+) *$/i

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/** Returns why a request may change nothing, if it may not. The time that this takes does not depend on the token. */
export const tokenProblem = (authorization: string | undefined, token: string): HttpError | undefined => {
  const [, given] = BEARER.exec(authorization ?? "") ?? []
  if (given !== undefined && timingSafeEqual(digest(given), digest(token))) return undefined
  return {
    code: "unauthorized",
    message:
      given === undefined
        ? "a change needs a token, and the request has none"
        : "the token is not valid: each start of the daemon makes a new one",
    hint: "d dashboard opens the page with a new one"
  }
}
