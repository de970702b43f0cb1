import { emitKeypressEvents } from "node:readline"
import { PassThrough } from "node:stream"
import type { Key } from "./State.ts"

const ESCAPE = "\u001b"

/** How long after an escape the rest of a key's sequence may arrive, over a slow connection; readline waits half a second. */
const ESCAPE_MS = 50

interface Press {
  readonly name?: string | undefined
  readonly sequence?: string | undefined
  readonly ctrl?: boolean | undefined
  readonly meta?: boolean | undefined
}

const keyOf = (text: string | undefined, { ctrl = false, meta = false, name = "", sequence = "" }: Press): Key => {
  const typed = text ?? sequence
  // What is not a character by itself types nothing.
  const isText = !ctrl && !meta && /^[^\p{C}]+$/u.test(typed)
  return { name, text: isText ? typed : "", ctrl }
}

/** Makes a function that takes what a terminal sends, in pieces, and calls `press` with each key. */
export const makeInput = (
  press: (key: Key) => void
): { readonly take: (chunk: Buffer) => void; readonly end: () => void } => {
  const keys = new PassThrough()
  emitKeypressEvents(keys)
  keys.on("keypress", (text: string | undefined, key: Press) => press(keyOf(text, key)))
  let waiting: NodeJS.Timeout | undefined
  return {
    take: (chunk) => {
      const isRest = waiting !== undefined
      clearTimeout(waiting)
      waiting = undefined
      if (isRest) keys.write(ESCAPE)
      if (chunk.toString() !== ESCAPE) return void keys.write(chunk)
      waiting = setTimeout(() => {
        waiting = undefined
        press({ name: "escape", text: "", ctrl: false })
      }, ESCAPE_MS)
    },
    end: () => clearTimeout(waiting)
  }
}
