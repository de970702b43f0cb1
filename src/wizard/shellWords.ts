const PIECE = /([^\s'"]+)|'([^']*)'|"([^"]*)"|(\s+)|(.)/g

/** Splits a line into words as a shell does with its quotes, and does nothing else of a shell. Undefined if a quote is left open. */
export const shellWords = (line: string): ReadonlyArray<string> | undefined => {
  const words: Array<string> = []
  let isOpen = false
  for (const [, plain, single, double, space, left] of line.matchAll(PIECE)) {
    if (left !== undefined) return undefined
    if (space === undefined) {
      const piece = plain ?? single ?? double ?? ""
      if (isOpen) words.push((words.pop() ?? "") + piece)
      else words.push(piece)
    }
    isOpen = space === undefined
  }
  return words
}
