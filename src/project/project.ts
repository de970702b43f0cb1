import { existsSync, readFileSync, realpathSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { digest } from "../domain/digest.ts"
import { appProblem } from "../domain/names.ts"
import { worktreeOf } from "../machine/gitWorktree.ts"
import { tryRead } from "../machine/tryRead.ts"

/** The files that mark the root of a project. */
const MANIFESTS = [
  "package.json",
  "deno.json",
  "pyproject.toml",
  "Cargo.toml",
  "go.mod",
  "composer.json",
  "Gemfile",
  "mix.exs",
  "pom.xml",
  "build.gradle",
  "build.gradle.kts",
  "CMakeLists.txt"
]

/** The project that a directory belongs to. */
export interface Project {
  /** Its root: the owner of its ports on this host. Absolute, without symbolic links. */
  readonly root: string
  /** The names for its app, the best one first: a later one is used if another directory has the earlier ones. */
  readonly names: ReadonlyArray<string>
  /** The names that earlier branches of a linked worktree gave its app, the latest first. It may have been moved since. */
  readonly formerly: ReadonlyArray<string>
}

/** Makes a valid name of an app from `text`; undefined if nothing is left of it. */
const appName = (text: string): string | undefined => {
  const word = text
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+|[-.]+$/g, "")
    // These endings belong to the keys of an app.
    .replace(/(-(prod|dev))+$/, "")
  return appProblem(word) === undefined ? word : undefined
}

/** Returns the nearest directory from `directory` up to `top` that has one of MANIFESTS. */
const manifestDirectory = (directory: string, top: string): string | undefined => {
  for (let current = directory; ; current = dirname(current)) {
    if (MANIFESTS.some((name) => existsSync(join(current, name)))) return current
    if (current === top || current === dirname(current)) return undefined
  }
}

/** Returns the name in the package.json of `directory`, if it has one. */
const packageName = (directory: string): string | undefined => {
  try {
    const { name } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8").replace(/^\uFEFF/, ""))
    return typeof name === "string" ? name.replace(/^@/, "") : undefined
  } catch {
    return undefined
  }
}

/** Returns the root of the project that a real directory is in: undefined if it has neither a manifest nor a worktree. */
export const rootOf = (directory: string): string | undefined => {
  const top = worktreeOf(directory)?.root
  return manifestDirectory(directory, top ?? "/") ?? top
}

/** The longest branch that is kept whole in a name. */
const BRANCH_MAX = 40

/** How many of the earlier branches of a worktree count. */
const EARLIER_MAX = 20

const LEFT = /\t(?:checkout: moving from (\S+) to |Branch: renamed refs\/heads\/(\S+) to )/g

/** Returns the branch of a linked worktree, or the worktree's own name if its HEAD is detached. */
const branchOf = (linkedBy: string): string => {
  const head = tryRead(() => readFileSync(join(linkedBy, "HEAD"), "utf8"), "")
  return /^ref: refs\/heads\/(.+)/.exec(head)?.[1]?.trim() ?? basename(linkedBy)
}

/** Returns the branches that a linked worktree has left, by the log of its HEAD, the latest first, and its own name. */
const earlierBranches = (linkedBy: string): ReadonlyArray<string> => {
  const log = tryRead(() => readFileSync(join(linkedBy, "logs/HEAD"), "utf8"), "")
  const left = [...log.matchAll(LEFT)].map(([, moved, renamed]) => moved ?? renamed ?? "").reverse()
  return [...[...new Set(left)].slice(0, EARLIER_MAX), basename(linkedBy)]
}

/** Makes a word of a branch. */
const wordOf = (branch: string): string => {
  const word = branch
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
  if (word === "") return digest(branch)
  // An app's name does not end as its keys do.
  return word.length > BRANCH_MAX || /-(prod|dev)$/.test(word)
    ? `${word.slice(0, BRANCH_MAX - 7)}-${digest(branch)}`
    : word
}

/** Returns the folder of the main worktree that a linked one belongs to; of a bare repository, its path without `.git`. */
export const mainFolder = (linkedBy: string): string => {
  const repository = dirname(dirname(linkedBy))
  return basename(repository) === ".git" ? dirname(repository) : repository.replace(/\.git$/, "")
}

/**
 * Returns the project that `directory` belongs to: the nearest manifest in its git worktree, or else the worktree, or else the
 * directory itself. An app is named by package.json or by the folder; in a linked worktree, by the main one and the branch.
 */
export const projectOf = (directory: string): Project => {
  const here = realpathSync(directory)
  const worktree = worktreeOf(here)
  const root = rootOf(here) ?? here
  const linkedBy = worktree?.linkedBy ?? null
  const folder = linkedBy === null ? root : join(mainFolder(linkedBy), relative(worktree?.root ?? root, root))
  const name = appName(packageName(root) ?? "") ?? appName(basename(folder)) ?? "app"
  const isValid = (each: string): boolean => appProblem(each) === undefined
  const onBranch = (branch: string): string => `${name}.${wordOf(branch)}`
  const app = linkedBy === null ? name : onBranch(branchOf(linkedBy))
  // Tools give every new project the same name: another directory of that name is told apart by its folder.
  const beside = linkedBy === null && basename(root) !== name ? appName(`${name}-${basename(root)}`) : undefined
  const names = [app, beside, `${app}-${digest(root)}`].filter((each) => each !== undefined)
  const formerly = linkedBy === null ? [] : [...new Set(earlierBranches(linkedBy).map(onBranch))]
  return { root, names: names.filter(isValid), formerly: formerly.filter((each) => each !== app && isValid(each)) }
}
