import { version } from "../package.json"
import { commandList, type LocalCommand } from "./commands.ts"
import { rootHelp } from "./help.ts"
import { type Printed, printed } from "./printed.ts"
import { currentUid, serverPath } from "./socketPath.ts"

/** An answer that needs neither registry nor daemon: the document, and its text. */
export interface LocalAnswer {
  readonly result: unknown
  readonly text: Printed
}

/** The commands that can be sent over the wire. */
const names = (): ReadonlyArray<string> =>
  commandList.filter((command) => command.alone === undefined).map((command) => command.name)

/** `width` is that of the help, in columns. */
export const answerLocally = (
  command: LocalCommand,
  environment: Readonly<Record<string, string | undefined>>,
  width: number
): LocalAnswer => {
  switch (command) {
    case "version":
      return { result: { version }, text: printed([version]) }
    case "help":
      return { result: { text: rootHelp(width) }, text: printed(rootHelp(width).split("\n")) }
    case "listCommands":
      return { result: { commands: names() }, text: printed(names()) }
    case "getSocketPath": {
      const path = serverPath(environment, currentUid())
      return { result: { path }, text: printed([path]) }
    }
  }
}
