import { digest } from "../domain/digest.ts"
import { appOf } from "../domain/names.ts"
import { isNested, type KeyOwner } from "../domain/Owner.ts"
import { inWorktreeOf, isGone, madeAt } from "../machine/gitWorktree.ts"

type Owners = ReadonlyMap<string, KeyOwner>

/** Returns the directory that `keys` belong to, if that is another one than `directory` and may still be there. */
export const otherHomeOf = (owners: Owners, keys: ReadonlyArray<string>, directory: string): string | undefined =>
  keys
    .map((key) => owners.get(key))
    .filter((owner): owner is KeyOwner => owner !== undefined)
    .find(
      ({ kind, name }) =>
        kind === "directory" &&
        !(isNested(name, directory) && inWorktreeOf(name, directory)) &&
        !isGone(name, directory)
    )?.name

/** Likewise for the keys of `app`. */
export const otherHome = (owners: Owners, app: string, directory: string): string | undefined =>
  otherHomeOf(owners, [`${app}-prod`, `${app}-dev`], directory)

/** An app, and a directory that was said to be its own. */
interface Home {
  readonly app: string
  readonly owner: KeyOwner
}

const homesIn = (owners: Owners): ReadonlyArray<Home> =>
  [...owners].flatMap(([key, owner]) => {
    const app = appOf(key)
    return app !== null && owner.kind === "directory" && owner.said ? [{ app, owner }] : []
  })

/**
 * Returns the app that the linked worktree of `directory` had before it was moved: one that was named by a branch of it, that
 * belonged to a directory that is gone, and that has belonged to it since after the worktree was made.
 */
const appBeforeMove = (homes: ReadonlyArray<Home>, directory: string, names: ReadonlyArray<string>) => {
  const made = madeAt(directory)
  if (made === undefined) return undefined
  const isNamed = ({ app, owner }: Home, name: string) => app === name || app === `${name}-${digest(owner.name)}`
  const isBefore = ({ owner }: Home) => Date.parse(owner.since) >= made && isGone(owner.name, directory)
  for (const name of names) {
    const found = homes.find((home) => isNamed(home, name) && isBefore(home))
    if (found !== undefined) return found.app
  }
  return undefined
}

/** What the project of a directory says of the name of its app. */
interface Names {
  readonly suggested: ReadonlyArray<string>
  /** The names that earlier branches of its worktree gave it. */
  readonly formerly: ReadonlyArray<string>
}

/**
 * Returns the app of a directory: the one that has it, or had it before the directory was moved, or else the first suggested
 * name that no other directory has.
 */
export const appOfDirectory = (
  owners: Owners,
  directory: string,
  { formerly, suggested }: Names
): string | undefined => {
  const homes = homesIn(owners)
  const known = [...new Set(homes.filter(({ owner }) => owner.name === directory).map(({ app }) => app))]
  const named = suggested.find((name) => known.includes(name))
  if (named !== undefined) return named
  if (known.length === 1) return known[0]
  const isFree = (app: string) => otherHome(owners, app, directory) === undefined
  const before = appBeforeMove(homes, directory, [...suggested, ...formerly])
  return before !== undefined && isFree(before) ? before : suggested.find(isFree)
}
