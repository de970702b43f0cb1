import { resolve } from "node:path"
import { hostOf } from "../socket/configFingerprint.ts"
import type { Invocation } from "./argv.ts"
import { askRegistry } from "./askDaemon.ts"
import type { CliContext } from "./CliContext.ts"
import { directoryGone } from "./options.ts"
import { exitWith, tell, writeStdout } from "./output.ts"
import type { WithEffect } from "./Task.ts"

type Run = Pick<Invocation & { readonly _tag: "Run" }, "json" | "payload">

/** Prints, compares or writes the configuration of a reverse proxy. */
export const proxy = async (context: CliContext, { json, payload }: Run, withEffect: WithEffect): Promise<void> => {
  const { environment } = context
  const { runProxy } = await import("../proxy/proxy.ts")
  const outcome = await runProxy(payload, json, {
    environment,
    resolve: (path) => {
      try {
        return resolve(context.directory(), path)
      } catch {
        return directoryGone(path)
      }
    },
    list: () => askRegistry(context, withEffect, "listPorts", {}),
    host: () => hostOf(environment),
    isTerminal: context.style().width !== undefined,
    tell: (...lines) => tell(context, ...lines)
  })
  if ("code" in outcome) return exitWith(context, outcome, json)
  context.setExitCode(outcome.exitCode)
  await writeStdout(context, outcome.text, json, outcome.changes)
}
