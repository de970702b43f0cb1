import { age } from "../text/describe.ts"

/** Says how long ago a time was. */
export const ago = (at: string, now = Date.now()): string => {
  const seconds = Math.max(0, Math.floor((now - Date.parse(at)) / 1000))
  return seconds < 5 ? "just now" : `${age(seconds)} ago`
}

/** Returns a time as the reader's clock and calendar have it. */
export const local = (at: string): string => new Date(at).toLocaleString()
