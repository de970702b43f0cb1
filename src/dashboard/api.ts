import type { CommandError } from "../domain/CommandError.ts"
import { update } from "./state.ts"

/** Requests to the daemon. */

const TOKEN = "token"

/** Moves the token from the address, where others could read it, to this tab. */
export const keepToken = (): void => {
  const given = new URLSearchParams(location.hash.slice(1)).get(TOKEN)
  if (given === null) return
  sessionStorage.setItem(TOKEN, given)
  history.replaceState(null, "", location.pathname)
  update({ isRefused: false })
}

const token = (): string | null => sessionStorage.getItem(TOKEN)

export const hasToken = (): boolean => token() !== null

/** An answer, or the error that `--json` would print. */
export type Answer<A> = { readonly value: A } | { readonly error: Pick<CommandError, "message" | "hint"> }

const AWAY = { message: "the daemon does not answer", hint: "d status" }

const answerOf = async <A>(response: Response): Promise<Answer<A>> => {
  const document = await response.json()
  return response.ok ? { value: document } : { error: document.error }
}

const ask = async <A>(path: string, options: RequestInit = {}): Promise<Answer<A>> => {
  try {
    const response = await fetch(`/api/${path}`, options)
    if (response.status === 401) forgetToken()
    return await answerOf(response)
  } catch {
    return { error: AWAY }
  }
}

/** A token that is not accepted, perhaps because the daemon was restarted, is of no more use. */
const forgetToken = (): void => {
  sessionStorage.removeItem(TOKEN)
  update({ isRefused: true })
}

export const read = <A>(path: string): Promise<Answer<A>> => ask(path)

/** Runs a command that changes the registry. */
export const write = <A>(command: string, payload: Readonly<Record<string, unknown>>): Promise<Answer<A>> =>
  ask(command, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token()}` },
    body: JSON.stringify(payload)
  })
