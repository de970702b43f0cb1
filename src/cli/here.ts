import type { CommandSpec } from "../commands/CommandSpec.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { appOf } from "../domain/names.ts"
import type { Project } from "../project/project.ts"
import { quote } from "../text/escape.ts"
import type { CliContext } from "./CliContext.ts"

type Payload = Readonly<Record<string, unknown>>

const invalid = (message: string, hint: string): CommandError => ({ code: "invalid", message, hint })

/** The error if the current directory was removed. */
export const DIRECTORY_GONE = invalid("the current directory no longer exists", "change to another directory")

/** The error if a directory is named that is none. */
export const noDirectory = (path: string): CommandError =>
  invalid(`dir ${quote(path)} is not a directory that can be read`, "name an existing directory")

/** Returns the project of `directory`, or of the current one, or the error if there is no such directory. */
export const projectHere = async (context: CliContext, directory: unknown) => {
  let base: string
  try {
    base = typeof directory === "string" ? directory : context.directory()
  } catch {
    return DIRECTORY_GONE
  }
  const { projectOf } = await import("../project/project.ts")
  try {
    return projectOf(base)
  } catch {
    return noDirectory(base)
  }
}

/** Returns the arguments of the claim that `getPort --allocate` is. Only the project that an app is named by becomes its owner. */
export const claimOf = async (context: CliContext, payload: Payload): Promise<Payload> => {
  const directory = await ownProject(context, payload["app"] ?? appOf(String(payload["key"])))
  return directory === undefined ? { ...payload, noDir: true } : { ...payload, directory }
}

/** Returns the root of the current project, if `app` is its own; undefined if it is another's, or there is none. */
const ownProject = async (context: CliContext, app: unknown): Promise<string | undefined> => {
  const project = await projectHere(context, undefined)
  return "code" in project || !project.names.some((name) => name === app) ? undefined : project.root
}

/** Adds the current project to the arguments of a command that allocates its app and nothing else. */
const withOwnProject = async (context: CliContext, { noDir, ...payload }: Payload): Promise<Payload> => {
  const { app, dir, special } = payload
  const [only, ...others] = [app, special].flat().filter((each) => each !== undefined)
  const isOne = special === undefined && others.length === 0
  if (noDir === true || dir !== undefined || !isOne) return payload
  return { ...payload, directory: await ownProject(context, only) }
}

/** Returns the arguments that say which project is meant, with names for its app unless a key or an app is named. */
export const meantIn = ({ formerly, names: suggested, root }: Project, { app, key }: Payload): Payload => ({
  directory: root,
  ...(key === undefined && app === undefined ? { suggested, formerly } : {})
})

/** Adds the directory that a command means, and names for its app, to the arguments of `command`. */
export const withDirectory = async (
  context: CliContext,
  command: CommandSpec,
  payload: Payload
): Promise<{ readonly payload: Payload } | CommandError> => {
  if (command.here === undefined) return { payload }
  if (command.here === "noted") return { payload: await withOwnProject(context, payload) }
  if (command.here === "mine" && payload["mine"] !== true) return { payload }
  const { dir, ...rest } = payload
  const project = await projectHere(context, dir)
  if ("code" in project) return project
  return { payload: { ...rest, ...(command.here === "mine" ? { directory: project.root } : meantIn(project, rest)) } }
}
