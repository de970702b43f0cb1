import type { IncomingMessage } from "node:http"
import type { Ask } from "./failure.ts"
import { isRead } from "./guard.ts"
import { type Body, errorBody, textBody } from "./respond.ts"

/**
 * Answers the functions of a shell: `/api/ports/KEY?plain` before a command, and `/api/complete` at each Tab. Answered before
 * the API, which takes more than twice as long.
 */

const PATH = /^\/api\/ports\/([^/?]+)(?:\?(plain)(?:=[^&]*)?)?$/

/** Text is asked for, and not JSON too. */
const wantsText = (accept: string | undefined): boolean =>
  accept?.includes("text/plain") === true && !accept.includes("json")

/** Returns the key whose port is asked for as plain text; undefined if something else is. */
export const plainKey = (request: IncomingMessage): string | undefined => {
  if (!isRead(request)) return undefined
  const { headers, url = "" } = request
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

const COMPLETE = /^\/api\/complete\?shell=(\w+)&words=([^&]*)$/

/** Returns the shell and the words, up to the one at the cursor, whose completion is asked for; undefined if none is. */
export const wordsToComplete = ({ method, url = "" }: IncomingMessage) => {
  const [, shell, words] = (method === "GET" && COMPLETE.exec(url)) || []
  return words === undefined ? undefined : { shell, words: words.split(",") }
}

/** Answers the words, one per line, after a line that says what they are. */
export const plainCompletion = async (ask: Ask, asked: object): Promise<Body> => {
  const answer = await ask({ command: "complete", format: "json", ...asked })
  if (!answer.ok) return errorBody(answer.failure, "text")
  const { result } = answer
  return textBody(typeof result === "object" && result !== null && "text" in result ? `${result.text}\n` : "")
}
