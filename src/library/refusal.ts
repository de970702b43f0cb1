import type { PortCheck } from "../domain/PortCheck.ts"
import { checkLines } from "../text/checkText.ts"
// From the library itself, whose class of errors there is once.
import { PortsError } from "./index.ts"

/** Returns the error with its hint in the message, for tools that show only that. */
export const withHint = (error: unknown): unknown => {
  if (!(error instanceof PortsError)) return error
  const { code, hint, message } = error
  return new PortsError({ code, hint, message: `${message}\nhint: ${hint}` })
}

const refusal = (checked: PortCheck, hint: string): unknown =>
  withHint(new PortsError({ code: "conflict", message: checkLines(checked).join("\n"), hint }))

/** Throws if another directory's server answers. It is not known to be one's own to stop. */
export const refuseForeign = (checked: PortCheck): void => {
  if (checked.verdict === "other")
    throw refusal(
      checked,
      `do not stop it unless it is yours: it may be another worktree's; d explain --port ${checked.port} says more`
    )
}

/** Throws if anything but this process serves the port already. What cannot be told is left to the tool itself. */
export const refuseAnother = (checked: PortCheck): void => {
  refuseForeign(checked)
  if (checked.verdict === "own" && checked.listeners.some(({ pid }) => pid !== process.pid))
    throw refusal(checked, "this app runs already: use that server, or end it first")
}
