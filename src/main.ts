import { parseArgv } from "./cli/argv.ts"
import { reportCrash } from "./cli/crash.ts"
import { dispatch } from "./cli/dispatch.ts"
import { processContext } from "./cli/processContext.ts"
import type { WithEffect } from "./cli/Task.ts"

/** Loads everything that needs Effect on demand: a request to a running daemon does not need it. */
const withEffect: WithEffect = {
  run: async (task) => (await import("./run.ts")).run(processContext, task),
  ask: async (task, environment) => (await import("./run.ts")).ask(task, environment)
}

const invocation = parseArgv(process.argv.slice(2))
dispatch(processContext, invocation, withEffect).catch((error) =>
  reportCrash(processContext, error, "json" in invocation && invocation.json)
)
