import { lstatSync, readdirSync, readFileSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"

/** A git repository, as one of its worktrees shows it. */
export interface Repository {
  /** The folder of its main worktree; of a bare one, its own. */
  readonly folder: string
  /** The roots of the worktrees that git lists as linked to it, those that are missing as well. */
  readonly worktrees: ReadonlyArray<string>
  /** Why the worktrees cannot be read; undefined if they were. */
  readonly problem?: string
}

/** Git's files are not as git writes them. */
class Damaged extends Error {}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT"

/** Returns the result of `read`; undefined if there is no such file. Other errors are thrown: they do not mean that. */
const ifThere = <A>(read: () => A): A | undefined => {
  try {
    return read()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Returns the directory that the repository of a worktree has its files in; undefined if that is a submodule's. */
const commonDirectory = (root: string, isFile: boolean): string | undefined => {
  const path = join(root, ".git")
  if (!isFile) return path
  const named = /^gitdir: (.+)/.exec(readFileSync(path, "utf8"))?.[1]?.trim()
  if (named === undefined) throw new Damaged(`${path} does not name a git directory`)
  if (/\/modules\//.test(named)) return undefined
  const own = resolve(root, named)
  return basename(dirname(own)) === "worktrees" ? dirname(dirname(own)) : own
}

/** Returns the roots of all linked worktrees. Throws if one of them cannot be read: it may be any. */
const linkedTo = (common: string): ReadonlyArray<string> => {
  // Every repository has this file: without it, the list is not empty but lost.
  readFileSync(join(common, "HEAD"))
  const list = join(common, "worktrees")
  return (ifThere(() => readdirSync(list)) ?? []).map((name) => {
    const path = readFileSync(join(list, name, "gitdir"), "utf8").trim()
    if (path === "") throw new Damaged(`${join(list, name, "gitdir")} is empty`)
    return dirname(resolve(list, name, path))
  })
}

const problemOf = (error: unknown): string =>
  error instanceof Damaged ? error.message : ((error as NodeJS.ErrnoException).code ?? String(error))

/** Returns the repository whose worktree has its root at `root`; undefined if there is none. */
export const repositoryAt = (root: string): Repository | undefined => {
  try {
    const found = ifThere(() => lstatSync(join(root, ".git")))
    const common = found && commonDirectory(root, found.isFile())
    if (common === undefined) return undefined
    const folder = basename(common) === ".git" ? dirname(common) : common
    try {
      return { folder, worktrees: linkedTo(common) }
    } catch (error) {
      return { folder, worktrees: [], problem: problemOf(error) }
    }
  } catch (error) {
    return { folder: root, worktrees: [], problem: problemOf(error) }
  }
}

/** Returns the repository that `directory` is in; undefined if it is in none. */
export const repositoryOf = (directory: string): Repository | undefined => {
  for (let current = directory; ; current = dirname(current)) {
    const found = repositoryAt(current)
    if (found !== undefined || current === dirname(current)) return found
  }
}
