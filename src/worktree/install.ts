import { existsSync, readFileSync } from "node:fs"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import type { HookChange, HookResult } from "../domain/Worktrees.ts"
import { findExecutable } from "../machine/executable.ts"
import { tryRead } from "../machine/tryRead.ts"
import { asTyped } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import type { Git } from "./git.ts"
import { type Hooks, hooksOf, isExecutable, readHook, removeHook, writeHook } from "./hookFile.ts"
import { type HookProblem, hasCrlfShebang, OWN_TEXT, withLines, withoutLines } from "./hookText.ts"

/** A result, with lines for standard error. */
interface Noted {
  readonly result: HookResult
  readonly notes: ReadonlyArray<string>
}

const linesOf = (text: string | undefined): ReadonlyArray<string> =>
  text === undefined || text === "" ? [] : Buffer.from(text, "latin1").toString().replace(/\n$/, "").split("\n")

/** Returns how a file changes. Its lines change in one place. */
const changeOf = (file: string, before: string | undefined, after: string | undefined): HookChange => {
  const [old, next] = [linesOf(before), linesOf(after)]
  const shorter = Math.min(old.length, next.length)
  let start = 0
  while (start < shorter && old[start] === next[start]) start++
  let end = 0
  while (end < shorter - start && old.at(-1 - end) === next.at(-1 - end)) end++
  const change = before === after ? "none" : before === undefined ? "made" : after === undefined ? "removed" : "changed"
  return {
    file,
    change,
    removed: old.slice(start, old.length - end),
    added: next.slice(start, next.length - end)
  }
}

const apply = (file: string, before: string | undefined, after: string | undefined, dryRun: boolean): HookChange => {
  if (!dryRun && before !== after) {
    if (after === undefined) removeHook(file)
    else writeHook(file, after)
  }
  return changeOf(file, before, after)
}

const refused = (file: string, { hint, problem }: HookProblem): CommandFailed =>
  new CommandFailed({ code: "conflict", message: `${asTyped(file)} is left as it is: ${problem}`, hint })

/** Whether the hook will find the program. */
const isOnPath = ({ PATH = "" }: Environment): boolean => {
  if (findExecutable("automatelinux-ports", PATH)._tag === "Found") return true
  const found = findExecutable("d", PATH)
  return found._tag === "Found" && OWN_TEXT.test(tryRead(() => readFileSync(found.path, "utf8"), ""))
}

/** Says what keeps git from running the hook, or others from having it. */
const notesOn = (hooks: Hooks, text: string, environment: Environment): ReadonlyArray<string> => {
  const { file, husky, inTree, runner } = hooks
  const shown = asTyped(file)
  return [
    ...(husky || !existsSync(file) || isExecutable(file)
      ? []
      : [`warning: ${shown} is not executable, so that git does not run it: chmod +x ${shellWord(file)}`]),
    ...(husky && !existsSync(runner)
      ? [`warning: ${asTyped(runner)} is missing, so that git does not run ${shown}: npx husky makes it`]
      : []),
    ...(!husky && hasCrlfShebang(text)
      ? [`warning: the first line of ${shown} ends in CRLF, with which only Windows runs it`]
      : []),
    ...(inTree ? [`note: ${shown} is a file of the worktree: commit it, so that the others have it`] : []),
    ...(isOnPath(environment)
      ? []
      : ["warning: automatelinux-ports is not on PATH, so that the hook does nothing; npm link puts it there"])
  ]
}

/** Puts the lines into the hook of a repository. */
export const install = (git: Git, directory: string, environment: Environment, dryRun: boolean): Noted => {
  const hooks = hooksOf(git, directory)
  if (hooks.shared !== undefined)
    throw new CommandFailed({
      code: "conflict",
      message: `the hooks are in ${asTyped(hooks.shared)}, outside of this repository, where other repositories may use them`,
      hint: "git config core.hooksPath .githooks gives this one its own; or run d worktree setup in each new worktree"
    })
  const before = readHook(hooks.file)
  const after = withLines(before)
  if (typeof after === "object") throw refused(hooks.file, after)
  const change = apply(hooks.file, before, after, dryRun)
  return { result: { dryRun, files: [change] }, notes: notesOn(hooks, after, environment) }
}

/** Takes the lines out of the hook of a repository, wherever they are. */
export const uninstall = (git: Git, directory: string, dryRun: boolean): Noted => {
  const files = hooksOf(git, directory).all.flatMap((file) => {
    const before = readHook(file)
    if (before === undefined) return []
    const after = withoutLines(before)
    if (typeof after === "object") throw refused(file, after)
    const change = apply(file, before, after, dryRun)
    return change.change === "none" ? [] : [change]
  })
  return { result: { dryRun, files }, notes: [] }
}
