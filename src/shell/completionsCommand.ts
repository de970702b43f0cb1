import { SHELLS, type Shell } from "../commands/shell.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import type { FileChange } from "../domain/FileChange.ts"
import { filesOnDisk } from "../files/filesOnDisk.ts"
import { refused } from "../files/problem.ts"
import { findExecutable } from "../machine/executable.ts"
import { asTyped, quote } from "../text/escape.ts"
import { changeVerb } from "../text/fileChange.ts"
import { forFile, type Printed, printed, printedJson } from "../text/printed.ts"
import { type CompletionFile, completionFile, completionsFor } from "./completionFiles.ts"

interface Request {
  readonly action: string
  readonly shells: ReadonlyArray<string>
  readonly dryRun: boolean
  readonly json: boolean
}

/** The state of a file: ours, an older one of ours, another one, or none. */
type State = "installed" | "outdated" | "foreign" | "missing"

/** A file of ours names the command that made it. */
const isOurs = (text: string, shell: Shell): boolean => text.includes(`made by: d completions ${shell}\n`)

const stateOf = (now: string | undefined, { shell, text }: CompletionFile): State =>
  now === undefined ? "missing" : now === text ? "installed" : isOurs(now, shell) ? "outdated" : "foreign"

const invalid = (message: string, hint: string): CommandError => ({ code: "invalid", message, hint })

/** Returns the shells that are meant: those that are named, and otherwise those of this machine. */
const meant = ({ action, shells }: Request, environment: Environment): ReadonlyArray<Shell> | CommandError => {
  const unknown = shells.find((each) => !SHELLS.some((shell) => shell === each))
  if (unknown !== undefined)
    return invalid(`there are no completions for the shell ${quote(unknown)}`, `one of ${SHELLS.join(", ")}`)
  if (shells.length > 0) return SHELLS.filter((shell) => shells.includes(shell))
  if (action !== "install") return SHELLS
  const here = SHELLS.filter((shell) => findExecutable(shell, environment["PATH"] ?? "")._tag === "Found")
  return here.length > 0 ? here : invalid("none of bash, zsh and fish is on the PATH", "name one with --shell")
}

const changeOf = (action: string, state: State): FileChange => {
  if (action === "uninstall") return state === "installed" || state === "outdated" ? "removed" : "none"
  return state === "missing" ? "made" : state === "outdated" ? "changed" : "none"
}

/** The words for a file that does not change. */
const STATES: Readonly<Record<State, string>> = {
  installed: "installed",
  outdated: "outdated",
  foreign: "not made by d, and left alone:",
  missing: "not installed:"
}

interface Done {
  readonly shell: Shell
  readonly file: string
  readonly state: State
  readonly change: FileChange
}

/** Changes the files of these shells, or none. Fails with CommandFailed. */
const change = ({ action, dryRun }: Request, files: ReadonlyArray<CompletionFile>): ReadonlyArray<Done> => {
  const disk = filesOnDisk()
  const all = files.map((each): Done & CompletionFile => {
    const state = stateOf(disk.read(each.file), each)
    return { ...each, state, change: action === "status" ? "none" : changeOf(action, state) }
  })
  const foreign = all.find(({ state }) => state === "foreign")
  if (action === "install" && foreign !== undefined)
    throw refused(foreign.file, {
      problem: "was not made by d, so nothing was installed",
      hint: "move it away, or choose the other shells with --shell"
    })
  const changed = all.filter((each) => each.change !== "none")
  if (!dryRun)
    disk.write(
      changed.map(({ change: what, directories, file, text }) => ({
        file,
        directories,
        mode: 0o644,
        text: what === "removed" ? undefined : text
      }))
    )
  return all.map(({ change: what, file, shell, state }) => ({ shell, file, state, change: what }))
}

/** Returns why options do not go together, if they do not. */
const problemOf = ({ action, dryRun, json, shells }: Request): CommandError | undefined => {
  if (dryRun && action !== "install" && action !== "uninstall")
    return invalid(`--dry-run does not go with ${action}`, "it goes with d completions install and uninstall")
  const isPrinted = SHELLS.some((shell) => shell === action)
  if (!isPrinted || (shells.length === 0 && !json)) return undefined
  return invalid(`${shells.length > 0 ? "--shell" : "--json"} does not go with ${action}`, `d completions ${action}`)
}

/** Installs, removes or shows the completions, or prints those for a shell. Returns the output, or the error. */
export const runCompletions = (
  request: Request,
  environment: Environment
): { readonly text: Printed; readonly notes: ReadonlyArray<string> } | CommandError => {
  const problem = problemOf(request)
  if (problem !== undefined) return problem
  const { action, dryRun, json } = request
  const named = SHELLS.find((shell) => shell === action)
  if (named !== undefined) return { text: forFile(completionsFor(named).trimEnd()), notes: [] }
  const shells = meant(request, environment)
  if ("code" in shells) return shells
  const files = shells.map((shell) => completionFile(shell, environment))
  let done: ReadonlyArray<Done>
  try {
    done = change(request, files)
  } catch (error) {
    if (error instanceof CommandFailed) return error.error
    throw error
  }
  const notes = action === "install" ? files.map(({ needs }) => needs) : []
  if (json) return { text: printedJson({ dryRun, shells: done }), notes }
  const lines = done.map(({ change, file, shell, state }) => {
    const what = change === "none" ? STATES[state] : changeVerb(change, dryRun)
    return `${shell}: ${what} ${asTyped(file)}`
  })
  return { text: printed(lines), notes }
}
