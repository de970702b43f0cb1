import { existsSync, readFileSync } from "node:fs"
import { basename, join, relative } from "node:path"
import { worktreeOf } from "../machine/gitWorktree.ts"
import { tryRead } from "../machine/tryRead.ts"
import { mainFolder } from "../project/project.ts"

/** The files of a compose project, in the order in which Docker looks for them. */
const FILES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"]

/** Makes the name of a project as Docker does: lower case, without other characters, not beginning with `_` or `-`. */
export const composeSlug = (folder: string): string =>
  folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, "")
    .replace(/^[_-]+/, "")

/** Returns the compose file of `directory`. */
export const composeFile = (directory: string): string | undefined =>
  FILES.map((name) => join(directory, name)).find((path) => existsSync(path))

/** Returns whether a compose file names its project. */
const isNamed = (file: string): boolean =>
  /^name[ \t]*:[ \t]*[^\s#]/m.test(tryRead(() => readFileSync(file, "utf8"), ""))

export interface ComposeName {
  /** The project's name; undefined if the compose file has it. */
  readonly name: string | undefined
  /** Whether the compose file gives this worktree the name of the others. */
  readonly isShared: boolean
}

/**
 * Names the compose project of `directory` as Docker would, so that its volumes stay its own. Only a linked worktree whose
 * folder has the name of its repository's gets the name of its app: the two would replace each other's containers.
 */
export const composeName = (directory: string, app: string): ComposeName => {
  const { linkedBy = null, root = directory } = worktreeOf(directory) ?? {}
  const file = composeFile(directory)
  if (file !== undefined && isNamed(file)) return { name: undefined, isShared: linkedBy !== null }
  const slug = composeSlug(basename(directory))
  const twin = linkedBy === null ? undefined : join(mainFolder(linkedBy), relative(root, directory))
  const isTaken = slug === "" || (twin !== undefined && slug === composeSlug(basename(twin)))
  return { name: (isTaken ? composeSlug(app) : slug) || "app", isShared: false }
}
