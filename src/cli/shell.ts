import { SHELLS } from "../commands/shell.ts"
import { forFile } from "../text/printed.ts"
import type { Invocation } from "./argv.ts"
import type { CliContext } from "./CliContext.ts"
import { exitWith, tell, writeStdout } from "./output.ts"

type Run = Pick<Invocation & { readonly _tag: "Run" }, "json" | "payload">

/** Prints the functions for a shell. */
export const shell = async (context: CliContext, { payload }: Run): Promise<void> => {
  const named = SHELLS.find((each) => each === payload["shell"])
  if (named === undefined) return
  const { shellFunctions } = await import("../shell/shellCommand.ts")
  await writeStdout(context, forFile(shellFunctions(named, context.environment).trimEnd()))
}

/** Installs, removes, shows or prints completions. */
export const completions = async (context: CliContext, { json, payload }: Run): Promise<void> => {
  const { action, dryRun = false, shell: named = [] } = payload
  const { runCompletions } = await import("../shell/completionsCommand.ts")
  const request = { action: String(action), shells: [named].flat().map(String), dryRun: dryRun === true, json }
  const told = runCompletions(request, context.environment)
  if ("code" in told) return exitWith(context, told, json)
  await writeStdout(context, told.text, json, action !== "status" && dryRun !== true)
  if (told.notes.length > 0) await tell(context, ...told.notes.map((note) => `note: ${note}`))
}
