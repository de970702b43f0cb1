import { join, relative } from "node:path"
import * as Effect from "effect/Effect"
import type { HealthState } from "../domain/Health.ts"
import { appOf } from "../domain/names.ts"
import { inside } from "../domain/Owner.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import { inWorktreeOf, worktreeOf } from "../machine/gitWorktree.ts"
import { repositoryAt } from "../machine/repositories.ts"
import type { Store } from "../store/Store.ts"
import type { makePruning } from "./pruning.ts"

/** Which assignments are listed: those for which everything holds that is given. */
export interface ListFilter {
  readonly app?: string | undefined
  readonly health?: HealthState | undefined
  /** A host that has claimed the key, has seen it up, or has a directory of it. */
  readonly host?: string | undefined
  /** The root of a project that the key belongs to, or a worktree of it. */
  readonly project?: string | undefined
  /** Only what `prune` would release because it is stale. */
  readonly stale?: boolean
}

/** Returns whether something else than everything is asked for. */
export const isFiltered = (filter: ListFilter): boolean =>
  Object.values(filter).some((each) => each !== undefined && each !== false)

/** Returns the directories of a project: its root, and in a main worktree the same place in each of the linked ones. */
const placesOf = (project: string): ReadonlyArray<string> => {
  const worktree = worktreeOf(project)
  if (worktree === undefined || worktree.linkedBy !== null) return [project]
  const linked = repositoryAt(worktree.root)?.worktrees ?? []
  return [project, ...linked.map((root) => join(root, relative(worktree.root, project)))]
}

/** Makes the function that returns which keys a filter chooses, but for their health, which is found out for them alone. */
export const makeChoosing =
  (store: typeof Store.Service, prune: ReturnType<typeof makePruning>) =>
  (
    { app, host, project, stale }: ListFilter,
    { claims, owners, ports }: Pick<RegistryState, "claims" | "owners" | "ports">
  ) =>
    Effect.gen(function* () {
      const places = project === undefined ? [] : placesOf(project)
      const isMine = (key: string): boolean => {
        const owner = owners.get(key)
        return (
          owner?.kind === "directory" &&
          places.some((place) => inside(owner.name, place) && inWorktreeOf(place, owner.name))
        )
      }
      const sighted = host === undefined ? [] : yield* store.sightings
      const known = new Set(sighted.flatMap((each) => (each.host === host ? each.key : [])))
      const isOnHost = (key: string): boolean => {
        const claim = claims.get(ports.get(key) ?? 0)
        return known.has(key) || (claim?.key === key && claim.host === host)
      }
      const pruned = stale ? (yield* prune({ keys: [], dryRun: true })).pruned : []
      const isStale = new Set(pruned.flatMap(({ key, reasons }) => (reasons.includes("stale") ? key : [])))
      return (key: string): boolean =>
        (app === undefined || appOf(key) === app) &&
        (project === undefined || isMine(key)) &&
        (host === undefined || isOnHost(key)) &&
        (!stale || isStale.has(key))
    })
