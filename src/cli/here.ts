import type { CommandSpec } from "../commands/CommandSpec.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { quote } from "../text/escape.ts"
import type { CliContext } from "./CliContext.ts"

type Payload = Readonly<Record<string, unknown>>

const invalid = (message: string, hint: string): CommandError => ({ code: "invalid", message, hint })

/** Returns the project of `directory`, or of the current one, or the error if there is no such directory. */
export const projectHere = async (context: CliContext, directory: unknown) => {
  let base: string
  try {
    base = typeof directory === "string" ? directory : context.directory()
  } catch {
    return invalid("the current directory no longer exists", "change to another directory, or name one with --dir")
  }
  const { projectOf } = await import("../project/project.ts")
  try {
    return projectOf(base)
  } catch {
    return invalid(`dir ${quote(base)} is not a directory that can be read`, "name an existing directory")
  }
}

/** Adds the directory that a command means, and names for its app, to the arguments of `command`. */
export const withDirectory = async (
  context: CliContext,
  command: CommandSpec,
  payload: Payload
): Promise<{ readonly payload: Payload } | CommandError> => {
  if (command.here === undefined) return { payload }
  const { dir, ...rest } = payload
  const project = await projectHere(context, dir)
  if ("code" in project) return project
  const isNamed = rest["key"] !== undefined || rest["app"] !== undefined
  return { payload: { ...rest, directory: project.root, ...(isNamed ? {} : { suggested: project.names }) } }
}
