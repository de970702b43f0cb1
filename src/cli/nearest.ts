import leven from "leven"

/** Returns the one of `words` that `word` is probably a misspelling of. */
export const nearest = (word: string, words: ReadonlyArray<string>): string | undefined => {
  const [best] = words
    .map((each) => ({ each, distance: leven(word.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.each.length / 3)) ? best.each : undefined
}
