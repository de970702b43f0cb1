import { existsSync, readFileSync, realpathSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { appProblem } from "../domain/names.ts"
import { worktreeOf } from "../machine/gitWorktree.ts"

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

/** Returns six letters and digits that depend on `text` (FNV-1a). Loading `node:crypto` would slow down every start. */
const digest = (text: string): string => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash.toString(36).padStart(6, "0").slice(-6)
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

/** Makes a word of the branch of a linked worktree, or of the worktree's name if its HEAD is detached. */
const branchWord = (linkedBy: string): string => {
  let branch = basename(linkedBy)
  try {
    branch = /^ref: refs\/heads\/(.+)/.exec(readFileSync(join(linkedBy, "HEAD"), "utf8"))?.[1]?.trim() ?? branch
  } catch {
    // The worktree was pruned: its name is left.
  }
  const word = branch
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
  if (word === "") return digest(branch)
  return word.length > BRANCH_MAX ? `${word.slice(0, BRANCH_MAX - 7)}-${digest(branch)}` : word
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
  const app = linkedBy === null ? name : `${name}.${branchWord(linkedBy)}`
  // Tools give every new project the same name: another directory of that name is told apart by its folder.
  const beside = linkedBy === null && basename(root) !== name ? appName(`${name}-${basename(root)}`) : undefined
  const names = [app, beside, `${app}-${digest(root)}`].filter((each) => each !== undefined)
  return { root, names: names.filter((each) => appProblem(each) === undefined) }
}
