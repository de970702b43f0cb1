import { createHash, timingSafeEqual } from "node:crypto"
import type { HttpError } from "./failure.ts"

/** The secret that a change needs, and the exchange of a code for it. */
export interface Token {
  readonly now: () => string
  readonly exchange: (code: string) => string | undefined
}

const BEARER = /^Bearer +([\w~+/.=-]+) *$/i

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/** Compares a text with a secret, in a time that does not depend on either. */
export const isSame = (given: string, secret: string): boolean => timingSafeEqual(digest(given), digest(secret))

/** Returns why a request may change nothing, if it may not. */
export const tokenProblem = (authorization: string | undefined, token: string): HttpError | undefined => {
  const [, given] = BEARER.exec(authorization ?? "") ?? []
  if (given !== undefined && isSame(given, token)) return undefined
  return {
    code: "unauthorized",
    message:
      given === undefined
        ? "a change needs a token, and the request has none"
        : "the token is not valid: each start of the daemon makes a new one",
    hint: "d dashboard opens the page with it; d dashboard --url prints it, for Authorization: Bearer TOKEN"
  }
}
