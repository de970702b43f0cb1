/** A spreadsheet runs a cell that begins like this as a formula, unless there is an apostrophe before it. */
const FORMULA = /^'*[=+\-@\t\r]/
const GUARDED = /^'+[=+\-@\t\r]/

/** Makes text harmless for a spreadsheet. */
export const guarded = (text: string): string => (FORMULA.test(text) ? `'${text}` : text)

/** Returns the text that `guarded` was given. */
export const unguarded = (text: string): string => (GUARDED.test(text) ? text.slice(1) : text)
