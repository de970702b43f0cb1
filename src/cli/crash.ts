import { exitWith, writeStderr } from "./output.ts"

/** Whether a part of the program is missing or incomplete, as while npm installs another version. */
const isIncomplete = (error: NodeJS.ErrnoException): boolean =>
  error.code === "MODULE_NOT_FOUND" ||
  error.path?.includes("/parts-") === true ||
  (error instanceof SyntaxError && error.stack?.includes("/parts-") === true)

/** Reports an exception that nothing caught, and sets the exit code. */
export const reportCrash = (error: NodeJS.ErrnoException, json: boolean): void => {
  if (isIncomplete(error)) {
    const message = `d cannot load its own files: ${error.message.split("\n")[0]}`
    const hint = "run it again if d is being installed; otherwise install d again"
    exitWith({ code: "unavailable", message, hint }, json)
  } else {
    writeStderr(`${error.stack}\n`)
    exitWith({ code: "internal", message: "this is a bug in d", hint: "report it with the lines above" }, json)
  }
}
