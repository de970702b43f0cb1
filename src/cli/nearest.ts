import leven from "leven"

/** How many keys were mistyped. Two in the wrong order are one mistake, which `leven` counts as two. */
const mistakes = (typed: string, word: string): number => {
  const swapped = Array.from({ length: Math.max(0, typed.length - 1) }, (_, at) => {
    const [one = "", other = ""] = typed.slice(at)
    return 1 + leven(typed.slice(0, at) + other + one + typed.slice(at + 2), word)
  })
  return Math.min(leven(typed, word), ...swapped)
}

/** How many mistakes a word may be typed with. */
const mostIn = (word: string): number => Math.max(1, Math.floor(word.length / 3))

/** Returns the one of `words` that `word` is probably a misspelling of. */
export const nearest = (word: string, words: ReadonlyArray<string>): string | undefined => {
  const [best] = words
    .filter((each) => Math.abs(each.length - word.length) <= mostIn(each))
    .map((each) => ({ each, distance: mistakes(word.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= mostIn(best.each) ? best.each : undefined
}
