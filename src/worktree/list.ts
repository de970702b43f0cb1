import { existsSync } from "node:fs"
import type { Assignment } from "../domain/Assignment.ts"
import type { KeyOwner } from "../domain/Owner.ts"
import { inside } from "../domain/Owner.ts"
import type { WorktreeApp, WorktreeEntry, WorktreePort } from "../domain/Worktrees.ts"
import { tryRead } from "../machine/tryRead.ts"
import { appOfDirectory } from "../project/appOfDirectory.ts"
import { projectOf } from "../project/project.ts"
import { ask, type Git } from "./git.ts"

/** A worktree without its apps. */
type Listed = Omit<WorktreeEntry, "apps">

/** Reads one worktree of `git worktree list --porcelain`: a line for each of its properties. */
const readOne = (lines: ReadonlyArray<string>, isFirst: boolean): Listed => {
  const property = (name: string): string | undefined =>
    lines.find((line) => line === name || line.startsWith(`${name} `))?.slice(name.length + 1)
  const directory = property("worktree") ?? ""
  return {
    directory,
    main: isFirst,
    bare: property("bare") !== undefined,
    branch: property("branch")?.replace(/^refs\/heads\//, "") ?? null,
    head: property("HEAD") ?? null,
    locked: property("locked") !== undefined,
    missing: !existsSync(directory)
  }
}

/** Lists the worktrees of a repository, the main one first. */
const listed = (git: Git, directory: string): ReadonlyArray<Listed> => {
  const words = ["worktree", "list", "--porcelain"]
  // Paths may contain line breaks, which git before 2.36 cannot tell.
  const exact = git(...words, "-z")
  const [text, end] = exact.ok ? [exact.text, "\0"] : [`${ask(git, directory, ...words)}\n`, "\n"]
  return text
    .split(end + end)
    .map((each) => each.split(end).filter((line) => line !== ""))
    .filter((lines) => lines.length > 0)
    .map((lines, at) => readOne(lines, at === 0))
}

const portOf = (assignments: ReadonlyArray<Assignment>, key: string): WorktreePort | null => {
  const found = assignments.find((each) => each.key === key)
  return found === undefined ? null : { key, port: found.port, health: found.health.state }
}

/** Returns the app that a worktree without one had before it was moved. */
const appBefore = (owners: ReadonlyMap<string, KeyOwner>, directory: string): string | undefined => {
  const project = tryRead(() => projectOf(directory), undefined)
  return project === undefined
    ? undefined
    : appOfDirectory(owners, project.root, { suggested: project.names, formerly: project.formerly })
}

/** Lists the worktrees of the repository that `directory` is in, with the apps that belong to them. */
export const listWorktrees = (
  git: Git,
  directory: string,
  assignments: ReadonlyArray<Assignment>
): ReadonlyArray<WorktreeEntry> => {
  const worktrees = listed(git, directory)
  const owners = new Map(assignments.flatMap(({ key, owner }) => (owner === null ? [] : [[key, owner] as const])))
  /** The worktree that a directory is in: the innermost, since one may lie inside another. */
  const treeOf = (path: string): string | undefined =>
    worktrees
      .map((each) => each.directory)
      .filter((root) => inside(path, root))
      .sort((a, b) => b.length - a.length)[0]
  const named = (app: string, home: string): WorktreeApp => ({
    app,
    directory: home,
    prod: portOf(assignments, `${app}-prod`),
    dev: portOf(assignments, `${app}-dev`)
  })
  return worktrees.map((each): WorktreeEntry => {
    const homes = new Map(
      assignments.flatMap(({ app, owner }) =>
        app !== null && owner?.kind === "directory" && owner.said && treeOf(owner.name) === each.directory
          ? [[app, owner.name] as const]
          : []
      )
    )
    const before = homes.size > 0 || each.missing ? undefined : appBefore(owners, each.directory)
    const isMoved = before !== undefined && assignments.some(({ app }) => app === before)
    return {
      ...each,
      apps: isMoved ? [named(before, each.directory)] : [...homes].map(([app, home]) => named(app, home))
    }
  })
}
