import type { ServerResponse } from "node:http"
import { printed, printedJson } from "../text/printed.ts"
import { type Answer, type HttpError, statusOf } from "./failure.ts"

/**
 * The headers of every response. Nothing of it may be run, framed, read by another site, or kept. A page needs a policy of
 * its own.
 */
export const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store"
}

const TYPES = { json: "application/json", text: "text/plain; charset=utf-8" } as const

/** A response before it is sent. */
export interface Body {
  readonly status: number
  readonly type: string
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

export const jsonBody = (value: unknown, status = 200): Body => ({
  status,
  type: TYPES.json,
  text: `${printedJson(value)}\n`
})

/** An error as `--json` has it, or as a terminal shows it. */
export const errorBody = (error: HttpError, form: keyof typeof TYPES = "json"): Body =>
  form === "json"
    ? jsonBody({ error: { code: error.code, message: error.message, hint: error.hint } }, statusOf(error))
    : {
        status: statusOf(error),
        type: TYPES.text,
        text: `${printed([`error: ${error.message}`, `hint: ${error.hint}`])}\n`
      }

export const textBody = (text: string): Body => ({ status: 200, type: TYPES.text, text })

/** The document of `--json`; that of a change has its notes, too, if there are any. */
export const answerBody = (answer: Answer, withNotes = false): Body => {
  if (!answer.ok) return errorBody(answer.failure)
  const { notes, result } = answer
  return jsonBody(withNotes && notes.length > 0 && typeof result === "object" ? { ...result, notes } : result)
}

/** Sends a response. */
export const send = (response: ServerResponse, { headers = {}, status, text, type }: Body): void => {
  const ofBody = status === 304 ? {} : { "content-type": type, "content-length": Buffer.byteLength(text) }
  response.writeHead(status, { ...ofBody, ...headers })
  response.end(response.req.method === "HEAD" ? "" : text)
}
