import { isHarmless } from "./escape.ts"

/** Words that no shell interprets. To zsh, a word that begins with `=` is the path of a command. */
const PLAIN = /^(?!=)[A-Za-z0-9_@%+=:,./-]+$/

/** Characters that `printf` writes unchanged anywhere. */
const LITERAL = /[A-Za-z0-9_./]/

const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, "0")}`

/**
 * Quotes `text` as one word of a command line for bash, zsh or dash. Escapes and line breaks, which the line editor would act
 * on before the shell sees them, are written as octal bytes. A line break at the very end is lost.
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

/** Returns the command that changes to `directory`. A slash at the end keeps a line break before it. */
export const changeDirectory = (directory: string): string =>
  `cd ${shellWord(directory.endsWith("\n") ? `${directory}/` : directory)}`
