import type { Answer } from "../commands/Answer.ts"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { portUrl } from "../domain/portUrl.ts"
import { quote } from "../text/escape.ts"

/** The variables that say which port an app has, and those with the addresses of other keys. */

export type Ask = <N extends RegistryCommand>(
  command: N,
  payload: Readonly<Record<string, unknown>>
) => Promise<Answer<N>>

/** A command that could not do what it was asked to. */
export class Refusal extends Error {
  readonly error: CommandError
  /** The exit code, if it is not that of the error. */
  readonly exitCode: number | undefined
  constructor(error: CommandError, exitCode?: number) {
    super(error.message)
    this.error = error
    this.exitCode = exitCode
  }
}

/** What is needed of the client. */
export interface SiblingMeans {
  /** The command that asks. */
  readonly command: "run" | "env"
  readonly ask: Ask
  /** Writes lines to standard error. */
  readonly tell: (...lines: ReadonlyArray<string>) => Promise<void>
}

const invalid = (message: string, hint: string): Refusal => new Refusal({ code: "invalid", message, hint })

/** Returns the result of an answer and tells its notes, or fails with its error. */
export const must = async <N extends keyof Results>(
  answer: Answer<N>,
  { command, tell }: Pick<SiblingMeans, "command" | "tell">
): Promise<Results[N]> => {
  if (!answer.ok) {
    const { error } = answer
    // A hint that names the command that was asked helps nobody who typed another one.
    const isForeign = error.code === "invalid" && error.hint.startsWith("d ")
    throw new Refusal(isForeign ? { ...error, hint: `d ${command} --help` } : error)
  }
  await tell(...answer.notes)
  return answer.result
}

/** The variables of a port, and those that say whose it is. */
export const portVariables = ({ key, port }: { readonly key: string; readonly port: number }, directory: string) => ({
  PORT: String(port),
  D_KEY: key,
  D_DIR: directory,
  D_PORT: String(port),
  D_URL: portUrl(port)
})

/** Another key: `port:KEY` or `url:KEY`, and how it was written. */
export interface Named {
  readonly what: string
  readonly written: string
}

/** Returns the function that asks for the ports of other keys, each once; `{app}` is the app of the command. */
export const makeResolver = (means: SiblingMeans) => {
  const known = new Map<string, number>()
  return async ({ what, written }: Named, app: string | null): Promise<string> => {
    const [kind, ...rest] = what.split(":")
    const given = rest.join(":")
    if (given.includes("{app}") && app === null)
      throw invalid(`${written} has {app}, and the key is no app's`, "name the key")
    const key = given.replaceAll("{app}", app ?? "")
    const port = known.get(key) ?? (await must(await means.ask("getPort", { key }), means)).port
    known.set(key, port)
    return kind === "port" ? String(port) : portUrl(port)
  }
}

const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/

/** Reads `--env NAME=WHAT`. `own` has the names that `command` sets itself. */
export const readEnv = (
  entry: string,
  command: SiblingMeans["command"],
  own: ReadonlyArray<string>
): Named & { readonly name: string } => {
  const [, name, what] = ASSIGNMENT.exec(entry) ?? []
  const written = `env ${quote(entry)}`
  if (name === undefined || what === undefined)
    throw invalid(`${written} is not NAME=WHAT`, "write --env API_URL=url:api-dev")
  if (own.includes(name))
    throw invalid(`${written} sets ${name}, which d ${command} sets itself`, "choose another name")
  if (!/^(port|url):./.test(what))
    throw invalid(`${written} is neither port:KEY nor url:KEY`, `write --env ${name}=url:KEY`)
  return { name, what, written }
}
