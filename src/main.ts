import { parseArgv } from "./cli/argv.ts"
import { reportCrash } from "./cli/crash.ts"
import { dispatch } from "./cli/dispatch.ts"
import { processContext } from "./cli/processContext.ts"
import type { Task } from "./cli/Task.ts"

/** Loads everything that needs Effect on demand: a request to a running daemon does not need it. */
const runWithEffect = async (task: Task): Promise<void> => (await import("./run.ts")).run(processContext, task)

const invocation = parseArgv(process.argv.slice(2))
dispatch(processContext, invocation, runWithEffect).catch((error) =>
  reportCrash(processContext, error, "json" in invocation && invocation.json)
)
