import { accessSync, constants, statSync } from "node:fs"
import { dirname } from "node:path"

const { R_OK, W_OK, X_OK } = constants

/** A part of a path that this user may not use as needed. */
export interface ClosedPart {
  readonly at: string
  /** The system's error code. */
  readonly code: string
  /** The id of the user that it belongs to. */
  readonly owner: number
  /** Whether it lies in a directory of this user. */
  readonly isInOurs: boolean
}

/** Returns the system's error code if `path` cannot be used that way. */
const refusal = (path: string, mode: number): string | undefined => {
  try {
    accessSync(path, mode)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

/** Returns the parts of an absolute path, from the root on. */
const partsOf = (path: string): ReadonlyArray<string> =>
  dirname(path) === path ? [path] : [...partsOf(dirname(path)), path]

/**
 * Returns the first part of `path` that keeps this user from writing the file there, or from creating it; `undefined` if
 * none does. `beside` are the suffixes of files that are written, too, if they exist.
 */
export const closedPart = (path: string, beside: ReadonlyArray<string> = []): ClosedPart | undefined => {
  const parts = partsOf(path)
  const isThere = (part: string) => refusal(part, constants.F_OK) === undefined
  const closed = (at: string, mode: number): ClosedPart | undefined => {
    const code = refusal(at, mode)
    if (code === undefined) return undefined
    const isInOurs = parts.some(
      (part) => at.startsWith(part) && at !== part && statSync(part).uid === process.getuid?.()
    )
    return { at, code, owner: statSync(at).uid, isInOurs }
  }
  let last = "/"
  for (const part of parts.slice(0, -1)) {
    if (!isThere(part)) return closed(last, W_OK)
    const found = closed(part, X_OK)
    if (found !== undefined) return found
    last = part
  }
  const files = ["", ...beside].map((suffix) => path + suffix).filter(isThere)
  for (const file of files) {
    const found = closed(file, R_OK | W_OK)
    if (found !== undefined) return found
  }
  return closed(last, W_OK)
}
