import * as Effect from "effect/Effect"
import type { Results } from "../commands/Results.ts"
import type { CommandResult } from "../domain/CommandResult.ts"
import type { Note } from "../domain/Note.ts"
import type { Pruning } from "../registry/prune.ts"
import { Registry } from "../registry/Registry.ts"
import { evidenceOf, stayText } from "../text/pruneEvidence.ts"
import { namedBy } from "./naming.ts"
import type { Payload } from "./requestSchemas.ts"

/** How many keys that stay are named one by one; the others are counted, unless all are asked for. */
const NAMED_MAX = 5

const noteOf = ({ evidence, key, reason }: Results["prune"]["kept"][number]): Note =>
  reason === "no-port"
    ? { _tag: "NothingHeld", name: key, kind: "special", isOther: false }
    : { _tag: "Stays", key, why: evidence }

const notesOf = (
  { kept, pruned }: Results["prune"],
  { all, asks, key, yes }: Payload<"prune">
): ReadonlyArray<Note> => {
  const isShort = all || kept.length <= NAMED_MAX || key.length > 0
  const counts = new Map<Results["prune"]["kept"][number]["reason"], number>()
  for (const { reason } of kept) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [
    ...(isShort ? kept.map(noteOf) : [{ _tag: "ManyStay", counts: [...counts] } as const]),
    ...(pruned.length === 0 ? [{ _tag: "NothingToPrune" } as const] : []),
    ...(pruned.length === 0 || yes || asks ? [] : [{ _tag: "MayGo", count: pruned.length, keys: key } as const])
  ]
}

const documentOf = ({ kept, pruned }: Pruning, dryRun: boolean): Results["prune"] => ({
  dryRun,
  pruned: pruned.map(({ repository, ...each }) => ({ ...each, evidence: evidenceOf({ ...each, repository }) })),
  kept: kept.map(({ key, port, stay }) => ({ key, port, reason: stay.why, evidence: stayText(stay) }))
})

/** Names the containers of what is kept because it is up. */
const namedKept = (kept: Pruning["kept"]) =>
  Effect.forEach(kept, (each) =>
    each.stay.why === "up"
      ? Effect.map(namedBy(each.stay.by), (by) => ({ ...each, stay: { why: "up" as const, by } }))
      : Effect.succeed(each)
  )

/** Lists what is unused, or releases it. */
export const prune = (payload: Payload<"prune">) =>
  Effect.gen(function* () {
    const registry = yield* Registry
    const dryRun = !payload.yes
    const { kept, pruned } = yield* registry.prune({ keys: payload.key, dryRun })
    const result = documentOf({ kept: yield* namedKept(kept), pruned }, dryRun)
    return { result, notes: notesOf(result, payload) } satisfies CommandResult<Results["prune"]>
  })
