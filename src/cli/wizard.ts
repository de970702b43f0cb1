import type { CommandSpec } from "../commands/CommandSpec.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { printed } from "../text/printed.ts"
import { askRegistry } from "./askDaemon.ts"
import type { CliContext } from "./CliContext.ts"
import { exitWith, LEFT, tell, writeStdout } from "./output.ts"
import type { WithEffect } from "./Task.ts"

const NO_TERMINAL: CommandError = {
  code: "invalid",
  message: "--wizard asks questions, and needs a terminal for them",
  hint: "d help lists the commands, d COMMAND --help says what one takes"
}

const leave = (context: CliContext): Promise<void> => {
  context.setExitCode(LEFT)
  return tell(context, "note: nothing was run")
}

/** Asks for a command and its options, shows the line that does the same, and returns its words if it is to be run now. */
export const wizard = async (
  context: CliContext,
  { command, json }: { readonly command: CommandSpec | undefined; readonly json: boolean },
  withEffect: WithEffect
): Promise<ReadonlyArray<string> | undefined> => {
  if (json || !context.canAsk()) {
    await exitWith(context, NO_TERMINAL, json)
    return undefined
  }
  const [{ lineOf, walk }, prompt] = await Promise.all([import("../wizard/walk.ts"), import("../prompt/choose.ts")])
  let keys: Promise<ReadonlyArray<string>> | undefined
  const listed = async () => {
    // Without a registry, what has a port is typed.
    const answer = await askRegistry({ ...context, writeStderr: () => {} }, withEffect, "listPorts", {})
    return answer.ok ? answer.result.map(({ key }) => key) : []
  }
  const words = await walk(command, {
    prompt,
    keys: () => {
      keys ??= listed()
      return keys
    },
    home: context.environment["HOME"]
  })
  if (words === undefined) {
    await leave(context)
    return undefined
  }
  await writeStdout(context, printed([lineOf(words)]))
  const runs = await prompt.confirm("Run it now?")
  if (runs === undefined) await leave(context)
  return runs === true ? words : undefined
}
