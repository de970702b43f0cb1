import { lstatSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
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
