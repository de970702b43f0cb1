import { cut, LIMITS } from "../domain/foreignText.ts"

/** Text that may be shown: nothing in it acts on a terminal, a line reader or a JSON parser. */

const PLAIN = /^[ -~]*$/

/**
 * Characters that act on a terminal or a line reader, or that are invisible and change how others read: control characters,
 * format characters such as bidirectional overrides, line separators, and lone surrogates.
 */
const ACTING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Whether nothing in `text` acts on a terminal. */
export const isHarmless = (text: string): boolean => PLAIN.test(text) || text.search(ACTING) === -1

const hex = (code: number): string => code.toString(16).padStart(4, "0")

/** Escapes `text` as a part of one line. */
export const escaped = (text: string): string =>
  PLAIN.test(text)
    ? text
    : text.replace(ACTING, (character) => {
        const code = character.codePointAt(0) ?? 0
        return code > 0xffff ? `\\u{${hex(code)}}` : `\\u${hex(code)}`
      })

/** Escapes a JSON document, which still parses to the same value. */
export const escapedJson = (document: string): string =>
  PLAIN.test(document)
    ? document
    : document.replace(ACTING, (character) =>
        Array.from({ length: character.length }, (_, at) => `\\u${hex(character.charCodeAt(at))}`).join("")
      )

/** Quotes `value` for a message: escaped, and cut if it is long. */
export const quote = (value: unknown): string => {
  const text =
    typeof value === "object" && value !== null
      ? "an object or a list"
      : escaped(JSON.stringify(value) ?? String(value))
  return text.length > LIMITS.quoted ? `${cut(text, LIMITS.quoted - 3)}"` : text
}

/** Returns a word as it was typed, quoted if it is not plain. */
export const asTyped = (text: string): string => (text === quote(text).slice(1, -1) ? text : quote(text))
