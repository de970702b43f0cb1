import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { inside } from "../domain/Owner.ts"
import { isNoDirectory } from "./directory.ts"
import { tryRead } from "./tryRead.ts"

/** A git worktree: of a repository, or linked to one by `git worktree add`. */
export interface Worktree {
  /** Its root. */
  readonly root: string
  /** The git directory of a linked worktree, `…/worktrees/NAME` in that of its repository; null for any other. */
  readonly linkedBy: string | null
}

/** Returns the worktree whose root is `directory`. The root of a submodule is none: it belongs to the worktree around it. */
const worktreeAt = (directory: string): Worktree | undefined => {
  const path = join(directory, ".git")
  const found = tryRead(() => lstatSync(path), undefined)
  if (found === undefined) return undefined
  if (!found.isFile()) return { root: directory, linkedBy: null }
  const gitDirectory = /^gitdir: (.*)/.exec(tryRead(() => readFileSync(path, "utf8"), ""))?.[1]?.trim() ?? ""
  if (/\/modules\//.test(gitDirectory)) return undefined
  return {
    root: directory,
    linkedBy: /\/worktrees\/[^/]+\/?$/.test(gitDirectory) ? resolve(directory, gitDirectory) : null
  }
}

/** Returns the git worktree that `directory` is in, read from the file system; undefined if it is in none. */
export const worktreeOf = (directory: string): Worktree | undefined => {
  for (let current = directory; ; current = dirname(current)) {
    const found = worktreeAt(current)
    if (found !== undefined || current === dirname(current)) return found
  }
}

/**
 * Returns whether `path` is in the worktree that `directory` is in, or `directory` is in none. One worktree may lie inside
 * another, and a directory that holds several projects is none of them, so that paths alone do not tell them apart.
 */
export const inWorktreeOf = (directory: string, path: string): boolean => {
  const worktree = worktreeOf(directory)
  return worktree === undefined || worktreeOf(path)?.root === worktree.root
}

/** Returns the roots of the worktrees that git lists as linked to the repository of `worktree`, the missing ones as well. */
const linkedRoots = ({ linkedBy, root }: Worktree): ReadonlyArray<string> => {
  const list = linkedBy === null ? join(root, ".git/worktrees") : dirname(linkedBy)
  return tryRead(() => readdirSync(list), []).flatMap((name) => {
    // Git does not know yet that somebody has moved it without git.
    if (join(list, name) === linkedBy) return [root]
    const path = tryRead(() => readFileSync(join(list, name, "gitdir"), "utf8"), "").trim()
    return path === "" ? [] : [dirname(resolve(list, name, path))]
  })
}

/**
 * Returns whether the directory `path` is gone for good, as far as can be told from `directory`: it is not there, and git does
 * not list it as a worktree of the repository that `directory` is in. One that git lists may be on a disk that is not mounted.
 */
export const isGone = (path: string, directory: string): boolean => {
  if (!isNoDirectory(path)) return false
  const worktree = worktreeOf(directory)
  const roots = worktree === undefined ? [] : linkedRoots(worktree)
  return !roots.some((root) => inside(path, root))
}

/** Returns when the linked worktree that `directory` is in was made, in milliseconds; undefined if it is in no such one. */
export const madeAt = (directory: string): number | undefined => {
  const linkedBy = worktreeOf(directory)?.linkedBy ?? null
  // Git writes this file once. It changes the others in that directory, and moves none.
  return linkedBy === null ? undefined : tryRead(() => statSync(join(linkedBy, "commondir")).mtimeMs, undefined)
}
