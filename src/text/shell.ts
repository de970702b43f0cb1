import { isHarmless } from "./escape.ts"

/** What no shell looks into. A word that begins with `=` is a command's path to zsh. */
const PLAIN = /^(?!=)[A-Za-z0-9_@%+=:,./-]+$/

/** What `printf` writes as it stands, wherever it comes. */
const LITERAL = /[A-Za-z0-9_./]/

const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, "0")}`

/**
 * `text` as one word of a command line that is typed into bash, zsh or dash. What the line editor would act upon before
 * the shell sees it, an escape or a line break, is written as its bytes. A line break at the very end is lost.
 */
export const shellWord = (text: string): string => {
  if (PLAIN.test(text)) return text
  if (isHarmless(text)) return `'${text.replaceAll("'", "'\\''")}'`
  const bytes = [...Buffer.from(text)].map((byte) => {
    const character = String.fromCharCode(byte)
    return LITERAL.test(character) ? character : octal(byte)
  })
  return `"$(printf '${bytes.join("")}')"`
}

/** The command that goes to `directory`. A slash at the end keeps a line break before it. */
export const changeDirectory = (directory: string): string =>
  `cd ${shellWord(directory.endsWith("\n") ? `${directory}/` : directory)}`
