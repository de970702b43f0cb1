import { placeText, readDocument, WrongDocument } from "../document.ts"
import { type Content, linesOfJson, parseJson, type Source, Unreadable } from "../Source.ts"

/** Reads what `d export` wrote. */
export const readJson = (source: Source): Content => {
  const value = parseJson(source)
  if (value === undefined) throw new Unreadable("is not a JSON document")
  const lineAt = linesOfJson(source)
  try {
    const document = readDocument(value)
    const assignments = document.assignments.map((each, index) => ({ ...each, line: lineAt(["assignments", index]) }))
    return { ...document, assignments }
  } catch (error) {
    if (!(error instanceof WrongDocument)) throw error
    const { place, problem } = error
    // What is missing has no place of its own.
    const line = lineAt(place) ?? lineAt(place.slice(0, -1))
    throw new Unreadable(`${line === undefined ? "" : `line ${line}: `}${placeText(place)} ${problem}`)
  }
}
