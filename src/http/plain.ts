import type { IncomingMessage } from "node:http"
import type { Ask } from "./failure.ts"
import { type Body, errorBody, textBody } from "./respond.ts"

/** `/api/ports/KEY?plain`, which a shell asks before each command: answered before the API, which takes more than twice as long. */

const PATH = /^\/api\/ports\/([^/?]+)(?:\?(plain)(?:=[^&]*)?)?$/

/** Text is asked for, and not JSON too. */
const wantsText = (accept: string | undefined): boolean =>
  accept?.includes("text/plain") === true && !accept.includes("json")

/** Returns the key whose port is asked for as plain text; undefined if something else is. */
export const plainKey = ({ headers, method, url = "" }: IncomingMessage): string | undefined => {
  if (method !== "GET" && method !== "HEAD") return undefined
  const [, key, isPlain] = PATH.exec(url) ?? []
  if (key === undefined || (isPlain === undefined && !wantsText(headers.accept))) return undefined
  try {
    return decodeURIComponent(key)
  } catch {
    // The command says what is wrong with it.
    return key
  }
}

/** Answers the number and a line break, or the error as text, which is no number. */
export const plainPort = async (ask: Ask, key: string): Promise<Body> => {
  const answer = await ask({ command: "getPort", format: "json", key })
  if (!answer.ok) return errorBody(answer.failure, "text")
  const { result } = answer
  const port = typeof result === "object" && result !== null && "port" in result ? result.port : undefined
  return textBody(`${port}\n`)
}
