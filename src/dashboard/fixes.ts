import { findCommand } from "../commands/commands.ts"
import { shellWords } from "../wizard/shellWords.ts"

/** A command of a fix that the page can run itself. */
export interface Runnable {
  readonly command: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** Characters that only a shell understands. */
const SHELL = /[$\\`&;|<>\n]/

const OPTION = /^--([a-z]+)(?:=(.*))?$/s

/** Reads a line such as `d release --app cad`. Undefined if it is anything but one command that can be undone, with options that have values. */
export const runnable = (line: string): Runnable | undefined => {
  const words = SHELL.test(line) ? undefined : shellWords(line)
  const [program, command = "", ...rest] = words ?? []
  if (program !== "d" || findCommand(command)?.undoable !== true || rest.length === 0) return undefined
  const payload: Record<string, unknown> = {}
  while (rest.length > 0) {
    const [, name, value = rest.shift()] = OPTION.exec(rest.shift() ?? "") ?? []
    if (name === undefined || value === undefined || value.startsWith("--") || Object.hasOwn(payload, name))
      return undefined
    payload[name] = value
  }
  // Words in capitals are for the reader to replace.
  return Object.values(payload).some((value) => value === "KEY" || value === "NAME") ? undefined : { command, payload }
}
