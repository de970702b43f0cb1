import { statSync } from "node:fs"
import type { Results } from "../commands/Results.ts"
import { nameInCommand } from "../domain/Container.ts"
import type { PortCheck } from "../domain/PortCheck.ts"
import { findExecutable, missingInterpreter, pathWithPackages } from "../machine/executable.ts"
import { tryRead } from "../machine/tryRead.ts"
import { checkLines } from "../text/checkText.ts"
import { engineCommand } from "../text/describe.ts"
import { asTyped, quote } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import { readSiblings } from "./keysInCommand.ts"
import { optionsOf, RunFailed, type RunMeans, type RunRequest } from "./request.ts"
import { must, portVariables } from "./siblings.ts"
import { wordsFor } from "./tools.ts"

export { Refusal } from "./siblings.ts"

/** The exit codes of a command that cannot be started, as those of `env` and `timeout`. */
const NOT_EXECUTABLE = 126
const NOT_FOUND = 127

/** Says how to end the container that listens, if one does. */
const containerHint = ({ listeners }: PortCheck): string | undefined => {
  const found = listeners.find(({ container }) => container !== null)
  if (found === undefined) return undefined
  const { containerDetails: known } = found
  return known
    ? `a container listens; to stop it: ${engineCommand(known, "stop", nameInCommand(known))}`
    : "a container listens; stop it with its engine: docker ps shows it"
}

/** Refuses to start beside what listens on the port. */
const refuse = (request: RunRequest, checked: PortCheck): RunFailed => {
  const { command = [], wait } = request
  const again = ["d", "run", "--takeover", ...(wait === true ? ["--wait"] : []), ...optionsOf(request), ...command]
  const [since] = checked.listeners.flatMap((listener) => listener.since ?? [])
  const [line = ""] = checkLines(checked)
  const message = since === undefined ? line : `${line}, since ${since}`
  const contained = checked.verdict === "other" ? undefined : containerHint(checked)
  return new RunFailed({
    code: "conflict",
    message,
    hint:
      contained ??
      (checked.verdict === "own"
        ? `this app runs already; to end it first: ${again.map(shellWord).join(" ")}`
        : "do not stop it unless it is yours: it may be another worktree's; d run --app NAME gives this directory another port")
  })
}

/** What takes a port, which may be loaded later. */
type Starting = Pick<typeof import("./starting.ts"), "isBound" | "lockStart" | "takeOver">

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
  if (found._tag === "Found") {
    const interpreter = missingInterpreter(found.path)
    if (interpreter === undefined) return found.path
    const message = `${quote(word)} is run by ${quote(interpreter)}, which was not found`
    throw new RunFailed({ code: "not-found", message, hint: "install it, or correct the first line" }, NOT_FOUND)
  }
  const isThere = found._tag === "NotExecutable"
  const isDirectory = isThere && tryRead(() => statSync(word).isDirectory(), false)
  const remedy = isDirectory ? "name a program in it" : `chmod +x ${asTyped(word)}, or name the program that runs it`
  throw new RunFailed(
    {
      code: "not-found",
      message: `${quote(word)} ${isDirectory ? "is a directory" : isThere ? "cannot be executed" : "was not found"}`,
      hint: isThere ? remedy : "check its name, or install it"
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
  const { formerly, names, root } = means.project
  // Elsewhere than on Linux a port can be bound while something listens on one of its addresses.
  const willBind = process.platform === "linux"
  const byDirectory = key === undefined && app === undefined ? { suggested: names, formerly } : {}
  return must(await means.ask("claim", { key, app, mode, ...byDirectory, directory: root, willBind }), means)
}

/** Makes sure that nothing has the port of a run, or fails. */
const clearPort = async (
  request: RunRequest,
  means: RunMeans,
  { inUse, key, port }: Results["claim"],
  { isBound, takeOver }: Starting
): Promise<void> => {
  if (inUse !== true && (await isBound(port)) === false) return
  const check = async () => await must(await means.ask("check", { key, directory: means.project.root }), means)
  const checked = await check()
  if (checked.verdict !== "nothing") {
    if (request.takeover !== true || !(await takeOver(check))) throw refuse(request, await check())
  } else if (await isBound(port))
    throw new RunFailed({
      code: "conflict",
      message: `${port} (${key}) is bound by a socket that does not listen`,
      hint: `ss -tanp 'sport = :${port}' may show whose it is; d run --app NAME gives this directory another port`
    })
}

/** Makes sure that the port of a run is its own, or fails. Returns the function to call when the command listens on it. */
export const takePort = async (
  request: RunRequest,
  means: RunMeans,
  claimed: Results["claim"],
  starting: Starting
): Promise<() => void> => {
  const release = await starting.lockStart(claimed.port, process.getuid?.() ?? 0, means.tell)
  await clearPort(request, means, claimed, starting)
  return release
}

/** Starts a command with its port, and ends as it ends. Fails with RunFailed if it cannot be started. */
export const runProgram = async (request: RunRequest, means: RunMeans): Promise<void> => {
  const { environment, project } = means
  const { file, path, words } = findProgram(request, means)
  const siblings = await readSiblings(request, words, means)
  const claiming = claimFor(request, means)
  // Loaded while the daemon works, because it takes Node as long as that to load the code that starts processes.
  const starting = new Promise((sent) => setImmediate(sent)).then(() => import("./starting.ts"))
  starting.catch(() => {})
  const claimed = await claiming
  const started = await starting
  const { port } = claimed
  const variables = await siblings.variables(claimed)

  const release = await takePort(request, means, claimed, started)

  const [, ...given] = await siblings.replaced(claimed)
  const placed = words.some((word) => /\{(port|url)\}/.test(word))
  const added = request.noInject === true || placed ? [] : wordsFor(words, means.directory, port)
  if (added.length > 0) await means.tell(`note: added ${added.filter((word) => word !== "--").join(" ")}`)

  const env = {
    ...environment,
    PATH: path,
    ...portVariables(claimed, project.root),
    ...(request.host === undefined ? {} : { HOST: request.host }),
    ...variables
  }
  await start(file, [...given, ...added], env, { key: claimed.key, port, means, release, ...started })
}

interface Start extends Pick<typeof import("./starting.ts"), "endAs" | "supervise" | "watchPort"> {
  readonly key: string
  readonly port: number
  readonly means: RunMeans
  /** Called when the command listens. */
  readonly release: () => void
}

const start = async (
  file: string,
  words: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>,
  { endAs, key, means, port, release, supervise, watchPort }: Start
): Promise<void> => {
  const { child, ended, mark } = supervise(file, words, env)
  let isOver = false
  const watching = watchPort(child.pid ?? 0, mark, port, () => isOver).then(async (listening) => {
    if (listening._tag !== "Unknown") release()
    if (listening._tag === "Own") await means.announce()
    if (listening._tag === "Other")
      await means.tell(
        `note: ${asTyped(listening.program)} listens on ${listening.port}, and not on ${port}, the port of ${key}: if it does not read PORT, write {port} in its command, or d run before it in its script`
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
