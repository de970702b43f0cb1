import { BUG_IN_D, type CommandError } from "../domain/CommandError.ts"
import type { CliContext } from "./CliContext.ts"
import { exitWith, writeStderr } from "./output.ts"

/** Whether a part of the program is missing or incomplete, as while npm installs another version. */
const isIncomplete = (error: NodeJS.ErrnoException): boolean =>
  error.code === "MODULE_NOT_FOUND" ||
  error.path?.includes("/parts-") === true ||
  (error instanceof SyntaxError && error.stack?.includes("/parts-") === true)

/** Returns the error that an exception stands for: a bug, unless files of `d` are missing. */
export const crashError = (error: NodeJS.ErrnoException): CommandError =>
  isIncomplete(error)
    ? {
        code: "unavailable",
        message: `d cannot load its own files: ${error.message.split("\n")[0]}`,
        hint: "run it again if d is being installed; otherwise install d again"
      }
    : BUG_IN_D

/** Reports an exception that nothing caught, and sets the exit code. */
export const reportCrash = async (context: CliContext, error: NodeJS.ErrnoException, json: boolean): Promise<void> => {
  const crash = crashError(error)
  if (crash === BUG_IN_D) writeStderr(context, ...`${error.stack}`.split("\n"))
  await exitWith(context, crash, json)
}
