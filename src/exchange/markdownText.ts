/** Characters that may begin something in a line of Markdown. */
const SPECIAL = "\\`*_[]|~$&!#"

/** Those, blanks that a cell would lose at its ends, HTML, and characters that act on a reader. */
const ANY = /^\s+|\s+$|[\\`*_[\]|~$&!#<>\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const asNumbers = (text: string): string =>
  Array.from(text, (character) => `&#${character.codePointAt(0) ?? 0};`).join("")

/** Writes text so that a cell of a table shows it, and nothing else, in Markdown and in HTML. */
export const inCell = (text: string): string =>
  text.replace(ANY, (found) => (SPECIAL.includes(found) ? `\\${found}` : asNumbers(found)))
