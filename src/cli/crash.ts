import { BUG_IN_D } from "../domain/CommandError.ts"
import type { CliContext } from "./CliContext.ts"
import { exitWith, writeStderr } from "./output.ts"

/** Whether a part of the program is missing or incomplete, as while npm installs another version. */
const isIncomplete = (error: NodeJS.ErrnoException): boolean =>
  error.code === "MODULE_NOT_FOUND" ||
  error.path?.includes("/parts-") === true ||
  (error instanceof SyntaxError && error.stack?.includes("/parts-") === true)

/** Reports an exception that nothing caught, and sets the exit code. */
export const reportCrash = async (context: CliContext, error: NodeJS.ErrnoException, json: boolean): Promise<void> => {
  if (isIncomplete(error)) {
    const message = `d cannot load its own files: ${error.message.split("\n")[0]}`
    const hint = "run it again if d is being installed; otherwise install d again"
    await exitWith(context, { code: "unavailable", message, hint }, json)
  } else {
    writeStderr(context, ...`${error.stack}`.split("\n"))
    await exitWith(context, BUG_IN_D, json)
  }
}
