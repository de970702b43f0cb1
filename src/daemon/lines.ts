/** The byte that ends a line. */
export const NEWLINE = 10

/** How many bytes the lines of all connections may still be longer than the limit of one. */
export interface Spare {
  bytes: number
}

/** Splits what a client sends into lines of at most `limit` bytes, and what it can take of `spare`. */
export const makeLines = (limit: number, spare: Spare) => {
  /** What follows the last line, in the pieces in which it came: joining it for each would take long for a long line. */
  let pieces: Array<Buffer> = []
  let size = 0
  /** What this line has taken of `spare`. */
  let taken = 0
  /** Makes the line `bytes` long; false if it may not be. */
  const grow = (bytes: number): boolean => {
    const more = Math.max(0, bytes - limit) - taken
    if (more > spare.bytes) return false
    spare.bytes -= more
    taken += more
    size = bytes
    return true
  }
  const forget = () => {
    pieces = []
    grow(0)
  }
  const take = (): string => {
    const line = Buffer.concat(pieces).toString("utf8")
    forget()
    return line
  }
  return {
    /** Returns the lines that `chunk` completes, up to one that is too long. */
    add: (chunk: Buffer): { readonly lines: ReadonlyArray<string>; readonly isTooLong: boolean } => {
      const lines: Array<string> = []
      let rest = chunk
      for (let at = rest.indexOf(NEWLINE); at !== -1; at = rest.indexOf(NEWLINE)) {
        if (!grow(size + at)) return { lines, isTooLong: true }
        pieces.push(rest.subarray(0, at))
        lines.push(take())
        rest = rest.subarray(at + 1)
      }
      if (!grow(size + rest.length)) return { lines, isTooLong: true }
      if (rest.length > 0) pieces.push(rest)
      return { lines, isTooLong: false }
    },
    /** Returns what follows the last line, and forgets it. */
    rest: take,
    forget
  }
}
