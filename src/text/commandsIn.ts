import { commandList } from "../commands/commands.ts"

/** Finds the commands in a sentence, which have to stay whole so that they can be copied. */

const QUOTED = `'[^']*'|"[^"]*"`
const VALUE = `(?:${QUOTED}|[^\\s'"])+`
/** The words that may follow the name of a command, as `start` in `d daemon start`. */
const ACTIONS = commandList.flatMap(({ operand }) => (operand?.type === "choice" ? operand.choices : [])).join("|")
const OF_D = `d [a-z]\\w*(?: (?:${ACTIONS})\\b)?(?: --[\\w-]+(?:[ =](?!-)${VALUE})?| [A-Z\\d]\\S*)*`
const OF_SHELL = `(?:cd|ch\\w+|export|fuser|kill|ls|ps|ss|ulimit|unset)(?: (?:-\\S+|[/$~\\d]\\S*|[A-Z_]+(?:=${VALUE})?|${QUOTED}))+`

/**
 * They are known by how they look: what follows `fix:`, commands of d, those of the shell and of SQL that d proposes. What
 * is overlooked may be broken, and a word too many stays on the line of its command; the text itself is never changed. A
 * parenthesis before it and punctuation after it go with it.
 */
const COMMANDS = new RegExp(
  [
    "(?<=^fix: ).+",
    "(?<=^hint: )(?:mariadb|mysql)[\\w-]* .+",
    `(?<!\\S)\\(?(?:${OF_D}(?: && ${OF_D})*|(?:sudo )?systemctl (?:--user )?\\w+ \\S+|(?:sudo )?${OF_SHELL})\\S*`,
    `(?<!\\S)\\(?[A-Z]{3,}(?: (?:[A-Z]+\\b|${QUOTED}))+\\S*`
  ].join("|"),
  "g"
)

/** Splits `text` into what is prose and what is a command, in turn: every second part is a command. */
export const splitAtCommands = (text: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let at = 0
  for (const { 0: command, index } of text.matchAll(COMMANDS)) {
    parts.push(text.slice(at, index), command)
    at = index + command.length
  }
  return [...parts, text.slice(at)]
}
