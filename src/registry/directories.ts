import { readdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { appOf } from "../domain/names.ts"
import { inside } from "../domain/Owner.ts"
import type { Doubt, Presence } from "../domain/Prune.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { isThere, type Looked, lookFor, SLOW_MAX } from "../machine/missing.ts"
import { type Repository, repositoryAt, repositoryOf } from "../machine/repositories.ts"
import { tryRead } from "../machine/tryRead.ts"
import { projectOf } from "../project/project.ts"

/** In how many directories beside a missing one a repository is looked for. */
const BESIDE_MAX = 200

const doubtful = (doubt: Doubt): Presence => ({ _tag: "Doubtful", doubt })

/** A directory that is there, with the apps that it belongs to and its repository. */
interface Home {
  readonly directory: string
  readonly apps: ReadonlyArray<string>
  readonly repository: Repository | undefined
}

/** A repository that may have had a missing directory as a worktree. */
interface Related {
  readonly repository: Repository
  /** Whether the name of the app says so. */
  readonly sure: boolean
}

/** Returns the repositories in `parent`, where git and people put worktrees beside the main one. */
const repositoriesIn = async (parent: string): Promise<ReadonlyArray<Repository>> => {
  const found: Array<Repository> = []
  const names = await readdir(parent).catch(() => [])
  for (const name of names.slice(0, BESIDE_MAX)) {
    const isRepository = await isThere(join(parent, name, ".git"))
    // The others may be on the server that does not answer, too.
    if (isRepository === "slow") break
    const repository = isRepository ? repositoryAt(join(parent, name)) : undefined
    if (repository !== undefined) found.push(repository)
  }
  return found
}

/** Makes the function that returns the repositories beside a directory. Many that are missing may have one parent. */
const makeBeside = () => {
  const known = new Map<string, Promise<ReadonlyArray<Repository>>>()
  return (path: string): Promise<ReadonlyArray<Repository>> => {
    const parent = dirname(path)
    const found = known.get(parent) ?? repositoriesIn(parent)
    known.set(parent, found)
    return found
  }
}

type Beside = ReturnType<typeof makeBeside>

/**
 * Returns the repositories that a missing directory of `apps` may have belonged to: of the apps that they are named after, and
 * around it and beside it. `at` is the nearest directory that is there.
 */
const relatedTo = async (
  path: string,
  at: string,
  apps: ReadonlyArray<string>,
  homes: ReadonlyArray<Home>,
  beside: Beside
): Promise<ReadonlyArray<Related>> => {
  const named = homes.filter((home) => apps.some((app) => home.apps.some((main) => app.startsWith(`${main}.`))))
  const near = [repositoryOf(at), ...(await beside(path))]
  const related = (sure: boolean) => (repository: Repository | undefined) =>
    repository === undefined ? [] : [{ repository, sure }]
  return [...named.map(({ repository }) => repository).flatMap(related(true)), ...near.flatMap(related(false))]
}

/** Returns what an app of a linked worktree is named by, after the name of the main one. */
const wordOf = (app: string): string | undefined => /\.([^.]+)$/.exec(app)?.[1]

/** Finds a worktree of `repository` that no key belongs to, and that a branch gives the name of one of `apps`. */
const movedTo = async (
  { worktrees }: Repository,
  apps: ReadonlyArray<string>,
  homes: ReadonlyArray<Home>
): Promise<string | undefined> => {
  const words = apps.flatMap((app) => wordOf(app) ?? [])
  for (const root of words.length === 0 ? [] : worktrees) {
    if (homes.some(({ directory }) => inside(directory, root)) || (await lookFor(root))._tag !== "There") continue
    const project = tryRead(() => projectOf(root), undefined)
    const names = project === undefined ? [] : [...project.names, ...project.formerly]
    const own = names.flatMap((name) => wordOf(name) ?? [])
    // A longer name of an app ends in a digest of its directory.
    if (words.some((word) => own.some((each) => word === each || word.startsWith(`${each}-`)))) return root
  }
  return undefined
}

/** Whether a repository that no longer lists its worktree is surer than a doubt. */
const isForGit = ({ why }: Doubt): boolean => why === "empty" || why === "no-parent"

/** Decides whether a directory that the file system does not have is gone, by what git knows of it. */
const judge = async (
  path: string,
  { at, doubt }: Looked & { readonly _tag: "Missing" },
  apps: ReadonlyArray<string>,
  homes: ReadonlyArray<Home>,
  beside: Beside
): Promise<Presence> => {
  if (doubt !== undefined && !isForGit(doubt)) return doubtful(doubt)
  const related = await relatedTo(path, at, apps, homes, beside)
  const repositories = [...homes.map(({ repository }) => repository), ...related.map(({ repository }) => repository)]
  const lists = repositories.find((each) => each?.worktrees.some((root) => inside(path, root)))
  if (lists !== undefined) return doubtful({ why: "listed", repository: lists.folder })
  for (const { repository } of related) {
    const { folder, problem } = repository
    if (problem !== undefined) return doubtful({ why: "git", repository: folder, problem })
    const to = await movedTo(repository, apps, homes)
    if (to !== undefined) return doubtful({ why: "moved", to })
  }
  const sure = related.find((each) => each.sure)
  if (doubt !== undefined && sure === undefined) return doubtful(doubt)
  return { _tag: "Gone", repository: sure?.repository.folder ?? null }
}

/** Finds out which of the directories that keys belong to on this host are there, and which are certainly gone. */
export const lookForDirectories = async ({
  owners
}: Pick<RegistryState, "owners">): Promise<ReadonlyMap<string, Presence>> => {
  const appsOf = new Map<string, Set<string>>()
  for (const [key, { kind, name }] of owners) {
    if (kind !== "directory") continue
    appsOf.set(name, (appsOf.get(name) ?? new Set()).add(appOf(key) ?? key))
  }
  const found = new Map<string, Presence>()
  const missing: Array<readonly [path: string, Looked & { readonly _tag: "Missing" }]> = []
  const homes: Array<Home> = []
  let slow = 0
  for (const [directory, apps] of appsOf) {
    // One after the other, because of the limit.
    const looked = slow < SLOW_MAX ? await lookFor(directory) : undefined
    if (looked === undefined || (looked._tag === "Missing" && looked.doubt?.why === "slow")) {
      slow++
      found.set(directory, doubtful({ why: "slow" }))
    } else if (looked._tag === "Missing") missing.push([directory, looked])
    else {
      found.set(directory, { _tag: "There" })
      homes.push({ directory, apps: [...apps], repository: undefined })
    }
  }
  if (missing.length === 0) return found
  const known = homes.map((home) => ({ ...home, repository: repositoryOf(home.directory) }))
  const beside = makeBeside()
  for (const [path, looked] of missing)
    found.set(path, await judge(path, looked, [...(appsOf.get(path) ?? [])], known, beside))
  return found
}

/** Looks again for the directories that were gone: one may have come back, or may be in doubt by now. */
export const lookAgain = async (presences: ReadonlyMap<string, Presence>): Promise<ReadonlyMap<string, Presence>> => {
  const now = new Map(presences)
  let isSlow = false
  for (const [directory, presence] of presences) {
    if (presence._tag !== "Gone") continue
    // Others are waiting meanwhile.
    const looked: Looked = isSlow ? { _tag: "Missing", at: "/", doubt: { why: "slow" } } : await lookFor(directory)
    if (looked._tag === "There") now.set(directory, { _tag: "There" })
    else if (looked.doubt !== undefined && !(presence.repository !== null && isForGit(looked.doubt))) {
      now.set(directory, doubtful(looked.doubt))
      isSlow = looked.doubt.why === "slow"
    }
  }
  return now
}
