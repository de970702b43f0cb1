import { version } from "../../package.json"
import { commandList, type LocalCommand } from "./commands.ts"
import { rootHelp } from "./help.ts"

/** An answer that needs neither registry nor daemon: the document, and the lines of its text. */
export interface BuiltinResult {
  readonly result: unknown
  readonly lines: ReadonlyArray<string>
}

/** What the answers depend on. */
export interface Surroundings {
  /** In columns. */
  readonly helpWidth: number
  /** The path of the daemon's socket. */
  readonly socketPath: () => string
}

/** The commands that can be sent over the wire. */
const names = (): ReadonlyArray<string> =>
  commandList.filter((command) => command.alone === undefined).map((command) => command.name)

/** Runs a command that needs neither registry nor daemon. */
export const runBuiltin = (command: LocalCommand, { helpWidth, socketPath }: Surroundings): BuiltinResult => {
  switch (command) {
    case "version":
      return { result: { version }, lines: [version] }
    case "help": {
      const text = rootHelp(helpWidth)
      return { result: { text }, lines: text.split("\n") }
    }
    case "listCommands":
      return { result: { commands: names() }, lines: names() }
    case "getSocketPath": {
      const path = socketPath()
      return { result: { path }, lines: [path] }
    }
  }
}
