import { lstatSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { CommandFailed } from "../domain/CommandFailed.ts"
import { inside } from "../domain/Owner.ts"
import { worktreeOf } from "../machine/gitWorktree.ts"
import { findFile, replace } from "../machine/replaceFile.ts"
import { tryRead } from "../machine/tryRead.ts"
import { asTyped } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import { ask, type Git } from "./git.ts"

const HOOK = "post-checkout"

/** The mode of a hook that is made: git runs it only if it may be executed. */
const MODE = 0o755

/** Resolves symbolic links as far as the path exists. */
const real = (path: string): string =>
  tryRead(() => realpathSync(path), undefined) ??
  (dirname(path) === path ? path : join(real(dirname(path)), basename(path)))

/** The hooks of a repository. */
export interface Hooks {
  /** The post-checkout hook that git runs, or Husky for it. */
  readonly file: string
  /** The file that git itself runs. */
  readonly runner: string
  /** Whether Husky runs it, which does not ask whether it may be executed. */
  readonly husky: boolean
  /** Whether it is a file of the worktree, so that it comes to others only with a commit. */
  readonly inTree: boolean
  /** The directory of the hooks, if it is shared with other repositories. */
  readonly shared: string | undefined
  /** Every file that the lines may be in, since the hooks may have been elsewhere before. */
  readonly all: ReadonlyArray<string>
}

/** Finds the hooks of the repository that `directory` is in. */
export const hooksOf = (git: Git, directory: string): Hooks => {
  const root = real(worktreeOf(directory)?.root ?? directory)
  const common = real(resolve(root, ask(git, directory, "rev-parse", "--git-common-dir")))
  const configured = resolve(root, ask(git, directory, "rev-parse", "--git-path", "hooks"))
  const husky = basename(configured) === "_" && basename(dirname(configured)) === ".husky"
  const place = real(join(husky ? dirname(configured) : configured, HOOK))
  const trees = [root, ...(basename(common) === ".git" ? [dirname(common)] : [])]
  const isOurs = (path: string) => [common, ...trees].some((each) => inside(path, each))
  const former = [join(common, "hooks", HOOK), ...trees.map((each) => join(each, ".husky", HOOK))].map(real)
  return {
    file: place,
    runner: join(configured, HOOK),
    husky,
    inTree: isOurs(place) && !inside(place, common),
    shared: isOurs(place) ? undefined : configured,
    all: [...new Set([place, ...former])].filter(isOurs)
  }
}

/** Returns the bytes of a file as Latin-1; undefined if there is none. */
export const readHook = (file: string): string | undefined => {
  try {
    return readFileSync(file, "latin1")
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT"
    // A link to nothing would be replaced by what is written, and be gone.
    if (isMissing && lstatSync(file, { throwIfNoEntry: false }) === undefined) return undefined
    throw failedTo("read", file, error)
  }
}

const failedTo = (verb: string, file: string, error: unknown): CommandFailed =>
  new CommandFailed({
    code: "unavailable",
    message: `cannot ${verb} ${asTyped(file)}: ${error instanceof Error ? error.message.replace(/,.*/, "") : error}`,
    hint: `ls -ld ${shellWord(file)} ${shellWord(dirname(file))}`
  })

/** Writes a hook at once and whole, because a shell may be reading it. Keeps its mode and its owner. */
export const writeHook = (file: string, text: string): void => {
  try {
    replace(findFile(file), Buffer.from(text, "latin1"), MODE)
  } catch (error) {
    throw failedTo("write", file, error)
  }
}

export const removeHook = (file: string): void => {
  try {
    rmSync(file)
  } catch (error) {
    throw failedTo("remove", file, error)
  }
}

/** Whether git runs a hook: it asks whether it may be executed. */
export const isExecutable = (file: string): boolean => tryRead(() => (statSync(file).mode & 0o111) !== 0, true)
