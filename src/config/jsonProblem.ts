/** Finds the place where a text is no longer JSON: most messages of JSON.parse do not tell it. */

const SPACE = /[ \t\n\r]*/y
const LITERAL = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
/** The part of a string after its first quote that is valid. */
const CHARACTERS = /(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*/uy
const [OBJECT, END_OF_OBJECT, ARRAY, END_OF_ARRAY] = [/\{/y, /\}/y, /\[/y, /\]/y]
const [QUOTE, COLON, COMMA, END] = [/"/y, /:/y, /,/y, /$/y]

/** The text is not JSON from `at` on. `afterComma` if a comma comes before it that ends nothing. */
interface Problem {
  readonly at: number
  readonly afterComma: boolean
}

/** Returns where `text` is not JSON; `undefined` if it is. */
const problemIn = (text: string): Problem | undefined => {
  let at = 0
  let afterComma = false
  const matches = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    if (!pattern.test(text)) return false
    at = pattern.lastIndex
    return true
  }
  const next = (pattern: RegExp): boolean => matches(SPACE) && matches(pattern)
  const restOfString = (): boolean => matches(CHARACTERS) && matches(QUOTE)
  const member = (): boolean => next(QUOTE) && restOfString() && next(COLON) && value()
  const list = (item: () => boolean, end: RegExp): boolean => {
    if (next(end)) return true
    do {
      if (!item()) return false
      afterComma = next(COMMA)
    } while (afterComma)
    return next(end)
  }
  const value = (): boolean => {
    if (next(OBJECT)) return list(member, END_OF_OBJECT)
    if (next(ARRAY)) return list(value, END_OF_ARRAY)
    return next(QUOTE) ? restOfString() : next(LITERAL)
  }
  return value() && next(END) ? undefined : { at, afterComma }
}

/** Says what stands there, if that is a usual mistake. */
const mistake = (rest: string, afterComma: boolean): string => {
  if (rest === "") return ": it ends too early"
  if (/^(?:\/\/|\/\*|#)/.test(rest)) return ": JSON has no comments"
  if (rest.startsWith("'")) return ": write double quotes"
  return afterComma && /^[}\]]/.test(rest) ? ": remove the comma before it" : ""
}

/** Says why and where `text` is not JSON. Quotes nothing of it, because it may contain a password. */
export const jsonProblem = (text: string): string => {
  const { afterComma, at } = problemIn(text) ?? { at: 0, afterComma: false }
  const lines = text.slice(0, at).split("\n")
  return `is not JSON, at line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}${mistake(text.slice(at), afterComma)}`
}
