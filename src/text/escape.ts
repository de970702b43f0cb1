import { cut, LIMITS } from "../domain/foreignText.ts"

/** Text that may be shown: nothing in it acts on a terminal, a line reader or a JSON parser. */

const PLAIN = /^[ -~]*$/

/**
 * What a terminal or a reader of lines acts upon, or what cannot be seen and changes how its neighbours read: control
 * characters, format characters such as those that turn the direction of writing, what separates lines, and halves of
 * characters.
 */
const ACTING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Whether nothing in `text` acts upon a terminal. */
export const isHarmless = (text: string): boolean => PLAIN.test(text) || text.search(ACTING) === -1

const hex = (code: number): string => code.toString(16).padStart(4, "0")

/** `text` as a part of one line, with what a terminal would act upon written out. */
export const escaped = (text: string): string =>
  PLAIN.test(text)
    ? text
    : text.replace(ACTING, (character) => {
        const code = character.codePointAt(0) ?? 0
        return code > 0xffff ? `\\u{${hex(code)}}` : `\\u${hex(code)}`
      })

/** A document of JSON that reads as the same, with what a terminal would act upon written out as JSON does. */
export const escapedJson = (document: string): string =>
  PLAIN.test(document)
    ? document
    : document.replace(ACTING, (character) =>
        Array.from({ length: character.length }, (_, at) => `\\u${hex(character.charCodeAt(at))}`).join("")
      )

/** `value` as it may be shown in a message: quoted, control characters escaped, cut where it is long. */
export const quote = (value: unknown): string => {
  const text =
    typeof value === "object" && value !== null
      ? "an object or a list"
      : escaped(JSON.stringify(value) ?? String(value))
  return text.length > LIMITS.quoted ? `${cut(text, LIMITS.quoted - 3)}"` : text
}

/** A word as somebody wrote it, quoted where it is not plain. */
export const asTyped = (text: string): string => (text === quote(text).slice(1, -1) ? text : quote(text))
