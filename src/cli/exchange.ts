import { EXPORT_FORMATS } from "../commands/exchange.ts"
import { quote } from "../text/escape.ts"
import { printedJson } from "../text/printed.ts"
import type { Invocation } from "./argv.ts"
import { askRegistry } from "./askDaemon.ts"
import type { CliContext } from "./CliContext.ts"
import { exitWith, LEFT, tell, writeStdout } from "./output.ts"
import type { WithEffect } from "./Task.ts"

type Run = Pick<Invocation & { readonly _tag: "Run" }, "json" | "payload">

const textOrNot = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

/** Prints the whole registry in a format. */
export const exportRegistry = async (
  context: CliContext,
  { json, payload }: Run,
  withEffect: WithEffect
): Promise<void> => {
  const { format: asked = "json" } = payload
  const format = EXPORT_FORMATS.find((each) => each === asked)
  const hint = `d export --format ${EXPORT_FORMATS.join("|")}`
  if (format === undefined)
    return exitWith(context, { code: "invalid", message: `format ${quote(asked)} is not a format`, hint }, json)
  if (json && format !== "json")
    return exitWith(context, { code: "invalid", message: `--json does not go with --format ${format}`, hint }, json)
  const answer = await askRegistry(context, withEffect, "export", {})
  if (!answer.ok) return exitWith(context, answer.error, json)
  const { writeAs } = await import("../exchange/exportCommand.ts")
  const { notes, text } = writeAs(format, answer.result, context.style().width !== undefined)
  await tellAll(context, [...answer.notes, ...notes])
  await writeStdout(context, text, json)
}

const tellAll = (context: CliContext, lines: ReadonlyArray<string>): Promise<void> =>
  lines.length === 0 ? Promise.resolve() : tell(context, ...lines)

/** Imports a file, or what is in use and was chosen. */
export const importRegistry = async (
  context: CliContext,
  { json, payload }: Run,
  withEffect: WithEffect
): Promise<void> => {
  const { runImport } = await import("../exchange/importCommand.ts")
  const outcome = await runImport(
    {
      file: textOrNot(payload["file"]),
      from: textOrNot(payload["from"]),
      onConflict: textOrNot(payload["onConflict"]),
      range: textOrNot(payload["range"]),
      scan: payload["scan"] === true,
      yes: payload["yes"] === true,
      dryRun: payload["dryRun"] === true,
      json
    },
    {
      ask: (asked) => askRegistry(context, withEffect, "import", asked),
      tell: (...lines) => tellAll(context, lines),
      style: context.style(),
      choose: context.canAsk()
        ? async (question, choices) => (await import("../prompt/choose.ts")).chooseSome(question, choices)
        : undefined
    }
  )
  if ("code" in outcome) return exitWith(context, outcome, json)
  const { failure, isLeft, result, text } = outcome
  if (isLeft) context.setExitCode(LEFT)
  if (json) {
    if (failure !== undefined) context.setExitCode(1)
    return writeStdout(context, printedJson(result), json, result.changed)
  }
  return failure === undefined ? writeStdout(context, text, json, result.changed) : exitWith(context, failure, json)
}
