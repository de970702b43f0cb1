import { version } from "../../package.json"
import { type BuiltinCommand, wireCommands } from "./commands.ts"
import { rootHelp } from "./help.ts"

/** The result of a builtin command, and the lines of its text. */
interface BuiltinResult {
  readonly result: unknown
  readonly lines: ReadonlyArray<string>
}

/** The values that the results depend on. */
interface Surroundings {
  /** In columns. */
  readonly helpWidth: number
  /** The path of the daemon's socket. */
  readonly socketPath: () => string
}

/** Runs a command that needs neither the registry nor a daemon. */
export const runBuiltin = (command: BuiltinCommand, { helpWidth, socketPath }: Surroundings): BuiltinResult => {
  const names = wireCommands.map(({ name }) => name)
  switch (command) {
    case "version":
      return { result: { version }, lines: [version] }
    case "help": {
      const text = rootHelp(helpWidth)
      return { result: { text }, lines: text.split("\n") }
    }
    case "listCommands":
      return { result: { commands: names }, lines: names }
    case "getSocketPath": {
      const path = socketPath()
      return { result: { path }, lines: [path] }
    }
  }
}
