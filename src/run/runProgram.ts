import type { Answer } from "../commands/Answer.ts"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import type { PortCheck } from "../domain/PortCheck.ts"
import type { Project } from "../project/project.ts"
import { checkLines } from "../text/checkText.ts"
import { asTyped, quote } from "../text/escape.ts"
import { findExecutable, pathWithPackages } from "./executable.ts"
import { wordsFor } from "./tools.ts"

/** The arguments of `d run`. */
export interface RunRequest {
  readonly key?: string
  readonly app?: string
  readonly mode?: string
  readonly command?: ReadonlyArray<string>
  readonly env?: ReadonlyArray<string>
  readonly host?: string
  readonly noInject?: boolean
  readonly takeover?: boolean
}

type Ask = <N extends RegistryCommand>(command: N, payload: Readonly<Record<string, unknown>>) => Promise<Answer<N>>

/** What a run needs of the client. */
export interface RunMeans {
  readonly environment: Environment
  readonly directory: string
  readonly project: Project
  readonly ask: Ask
  /** Likewise, without notes: for a question that is asked again and again. */
  readonly askQuietly: Ask
  /** Tells the daemon, if there is one, that a port has come up. */
  readonly announce: () => Promise<void>
  /** Writes lines to standard error. */
  readonly tell: (...lines: ReadonlyArray<string>) => Promise<void>
}

/** The exit codes of `d run` itself, as those of `env` and `timeout`. */
const FAILED = 125
const NOT_EXECUTABLE = 126
const NOT_FOUND = 127

/** A failure of `d run` itself: nothing was started. */
export class RunFailed extends Error {
  readonly error: CommandError
  readonly exitCode: number
  constructor(error: CommandError, exitCode = FAILED) {
    super(error.message)
    this.error = error
    this.exitCode = exitCode
  }
}

const invalid = (message: string, hint: string): RunFailed => new RunFailed({ code: "invalid", message, hint })

/** Returns the result of an answer and tells its notes, or fails with its error. */
export const must = async <N extends keyof Results>(answer: Answer<N>, means: RunMeans): Promise<Results[N]> => {
  if (!answer.ok) {
    const { error } = answer
    throw new RunFailed(error.code === "invalid" ? { ...error, hint: "d run --help" } : error)
  }
  await means.tell(...answer.notes)
  return answer.result
}

export const urlOf = (port: number): string => `http://localhost:${port}`

/** What stands for `port:KEY` and `url:KEY`; `{app}` is the app of the run. */
const makeResolver = (means: RunMeans, app: string | null) => {
  const known = new Map<string, number>()
  return async (what: string, name: string): Promise<string> => {
    const [, kind, given = ""] = /^(port|url):(.+)$/.exec(what) ?? []
    if (kind === undefined)
      throw invalid(`env ${quote(`${name}=${what}`)} is neither port:KEY nor url:KEY`, `write --env ${name}=url:KEY`)
    if (given.includes("{app}") && app === null)
      throw invalid(`env ${quote(`${name}=${what}`)} has {app}, and the key of this run is no app's`, "name the key")
    const key = given.replaceAll("{app}", app ?? "")
    const port = known.get(key) ?? (await must(await means.ask("getPort", { key }), means)).port
    known.set(key, port)
    return kind === "port" ? String(port) : urlOf(port)
  }
}

const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/

/** The names that a run sets itself. */
const OWN = ["PORT", "D_KEY", "D_DIR", "D_PORT", "D_URL", "D_RUN"]

/** Reads `--env NAME=WHAT`. */
const readEnv = (entry: string): readonly [name: string, what: string] => {
  const [, name, what] = ASSIGNMENT.exec(entry) ?? []
  if (name === undefined || what === undefined)
    throw invalid(`env ${quote(entry)} is not NAME=WHAT`, "write --env API_URL=url:api-dev")
  if (OWN.includes(name))
    throw invalid(`env ${quote(entry)} sets ${name}, which d run sets itself`, "choose another name")
  return [name, what]
}

const PLACEHOLDER = /\{(port|url)(?::([A-Za-z0-9._{}-]+))?\}/g

/** Replaces `{port}`, `{url}` and `{port:KEY}` in the words of a command. */
const replaceIn = async (
  words: ReadonlyArray<string>,
  port: number,
  resolve: (what: string, name: string) => Promise<string>
): Promise<ReadonlyArray<string>> => {
  const replaced: Array<string> = []
  for (const word of words) {
    let text = ""
    let at = 0
    for (const match of word.matchAll(PLACEHOLDER)) {
      const [whole, kind, key] = match
      const value =
        key === undefined ? (kind === "port" ? String(port) : urlOf(port)) : await resolve(`${kind}:${key}`, word)
      text += word.slice(at, match.index) + value
      at = match.index + whole.length
    }
    replaced.push(text + word.slice(at))
  }
  return replaced
}

/** Refuses to start beside what listens on the port. */
const refuse = (checked: PortCheck): RunFailed => {
  const [since] = checked.listeners.flatMap((listener) => listener.since ?? [])
  const [line = ""] = checkLines(checked)
  const message = since === undefined ? line : `${line}, since ${since}`
  return new RunFailed({
    code: "conflict",
    message,
    hint: checked.listeners.some(({ container }) => container !== null)
      ? "a container listens; stop it with its engine: docker ps shows it"
      : checked.verdict === "own"
        ? "this app runs already; to end it first: d run --takeover"
        : "do not stop it unless it is yours: it may be another worktree's; d run --app NAME gives this directory another port"
  })
}

const program = ({ command = [] }: RunRequest): readonly [string, ...Array<string>] => {
  const [first, ...rest] = command
  if (first === undefined || first === "")
    throw new RunFailed({
      code: "missing-argument",
      message: "Missing required arg: COMMAND",
      hint: "d run [options] COMMAND…, for example d run npm run dev"
    })
  return [first, ...rest]
}

/** Finds the program before anything is claimed. */
const find = (word: string, path: string): string => {
  const found = findExecutable(word, path)
  if (found._tag === "Found") return found.path
  const isThere = found._tag === "NotExecutable"
  throw new RunFailed(
    {
      code: "not-found",
      message: `${quote(word)} ${isThere ? "cannot be executed" : "was not found"}`,
      hint: isThere ? `chmod +x ${asTyped(word)}, or name the program that runs it` : "check its name, or install it"
    },
    isThere ? NOT_EXECUTABLE : NOT_FOUND
  )
}

/** Finds the program of a run, or fails before anything is claimed. */
export const findProgram = (request: RunRequest, { directory, environment }: RunMeans) => {
  const words = program(request)
  const path = pathWithPackages(directory, environment["PATH"] ?? "")
  return { words, path, file: find(words[0], path) }
}

/** Claims the port of a run, if it has none. */
export const claimFor = async ({ app, key, mode }: RunRequest, means: RunMeans): Promise<Results["claim"]> => {
  const { names, root } = means.project
  const suggested = key === undefined && app === undefined ? names : undefined
  return must(await means.ask("claim", { key, app, mode, suggested, directory: root }), means)
}

/** Makes sure that nothing has the port of a run, or fails. */
export const clearPort = async (
  request: RunRequest,
  means: RunMeans,
  { inUse, key, port }: Results["claim"],
  { isBound, takeOver }: Pick<typeof import("./starting.ts"), "isBound" | "takeOver">
): Promise<void> => {
  if (inUse === false && !(await isBound(port))) return
  const check = async () => await must(await means.ask("check", { key, directory: means.project.root }), means)
  const checked = await check()
  if (checked.verdict !== "nothing") {
    if (request.takeover !== true || !(await takeOver(check))) throw refuse(await check())
  } else if (await isBound(port))
    throw new RunFailed({
      code: "conflict",
      message: `${port} (${key}) is bound by a socket that does not listen`,
      hint: `ss -tanp 'sport = :${port}' may show whose it is; d run --app NAME gives this directory another port`
    })
}

/** Starts a command with its port, and ends as it ends. Fails with RunFailed if it cannot be started. */
export const runProgram = async (request: RunRequest, means: RunMeans): Promise<void> => {
  const { environment, project } = means
  const { file, path, words } = findProgram(request, means)
  const entries = (request.env ?? []).map(readEnv)
  const claiming = claimFor(request, means)
  // Loaded while the daemon works, because it takes Node as long as that to load the code that starts processes.
  const starting = new Promise((sent) => setImmediate(sent)).then(() => import("./starting.ts"))
  starting.catch(() => {})
  const claimed = await claiming
  const started = await starting
  const { port } = claimed
  const resolve = makeResolver(means, claimed.app)
  const siblings: Record<string, string> = {}
  for (const [name, what] of entries) siblings[name] = await resolve(what, name)

  await clearPort(request, means, claimed, started)

  const [, ...given] = await replaceIn(words, port, resolve)
  const placed = words.some((word) => /\{(port|url)\}/.test(word))
  const added = request.noInject === true || placed ? [] : wordsFor(words, means.directory, port)
  if (added.length > 0) await means.tell(`note: added ${added.filter((word) => word !== "--").join(" ")}`)

  const env = {
    ...environment,
    PATH: path,
    PORT: String(port),
    ...(request.host === undefined ? {} : { HOST: request.host }),
    D_KEY: claimed.key,
    D_DIR: project.root,
    D_PORT: String(port),
    D_URL: urlOf(port),
    ...siblings
  }
  await start(file, [...given, ...added], env, { key: claimed.key, port, means, ...started })
}

interface Start extends Pick<typeof import("./starting.ts"), "endAs" | "supervise" | "watchPort"> {
  readonly key: string
  readonly port: number
  readonly means: RunMeans
}

const start = async (
  file: string,
  words: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>,
  { endAs, key, means, port, supervise, watchPort }: Start
): Promise<void> => {
  const { child, ended, mark } = supervise(file, words, env)
  let isOver = false
  const watching = watchPort(child.pid ?? 0, mark, port, () => isOver).then(async (listening) => {
    if (listening._tag === "Own") await means.announce()
    if (listening._tag === "Other")
      await means.tell(
        `note: ${asTyped(listening.program)} listens on ${listening.port}, and not on ${port}, the port of ${key}: if it does not read PORT, write {port} in its command`
      )
  })
  watching.catch(() => {})
  try {
    const { ending, left } = await ended
    isOver = true
    if (left.length > 0) await means.tell(`note: ended what it left: ${left.join("; ")}`)
    endAs(ending)
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException
    const isMissing = code === "ENOENT"
    throw new RunFailed(
      {
        code: "not-found",
        message: `${quote(file)} cannot be started: ${code}`,
        hint: "check the program, and the line with #! in it"
      },
      isMissing ? NOT_FOUND : NOT_EXECUTABLE
    )
  }
}
