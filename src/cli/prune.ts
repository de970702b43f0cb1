import type { Results } from "../commands/Results.ts"
import { appOf, groupOf } from "../domain/names.ts"
import { askRegistry } from "./askDaemon.ts"
import type { CliContext } from "./CliContext.ts"
import { exitWith, LEFT, tell, writeResult } from "./output.ts"
import type { WithEffect } from "./Task.ts"

type Payload = Readonly<Record<string, unknown>>
type Prunable = Results["prune"]["pruned"][number]

/** Returns what may go, the keys of an app together. */
const groupsOf = (pruned: ReadonlyArray<Prunable>): ReadonlyArray<readonly [name: string, ReadonlyArray<Prunable>]> => {
  const groups = new Map<string, Array<Prunable>>()
  for (const each of pruned) {
    const group = groups.get(groupOf(each.key))
    if (group === undefined) groups.set(groupOf(each.key), [each])
    else group.push(each)
  }
  return [...groups.values()].map((keys) => [appOf(keys[0]?.key ?? "") ?? keys[0]?.key ?? "", keys])
}

/** Lists what can be pruned, and releases what the user selects. */
export const chooseAndPrune = async (context: CliContext, payload: Payload, withEffect: WithEffect): Promise<void> => {
  const listed = await askRegistry(context, withEffect, "prune", { ...payload, asks: true })
  if (!listed.ok) return exitWith(context, listed.error, false)
  await writeResult(context, "prune", listed, payload, false)
  const groups = groupsOf(listed.result.pruned)
  if (groups.length === 0) return
  const { chooseSome, confirm } = await import("../prompt/choose.ts")
  const chosen = await chooseSome(
    "Release which of these?",
    groups.map(([name, keys]) => ({
      title: `${name} ${keys.map(({ port }) => port).join(", ")}`,
      description: keys[0]?.evidence ?? "",
      selected: true
    }))
  )
  const keys = (chosen ?? []).flatMap((at) => groups[at]?.[1].map(({ key }) => key) ?? [])
  const question = `Release ${keys.length === 1 ? "this port" : `these ${keys.length} ports`}?`
  const isSure = keys.length === 0 ? chosen && false : await confirm(question)
  if (isSure !== true) {
    if (isSure === undefined) context.setExitCode(LEFT)
    return tell(context, "note: nothing was changed")
  }
  const done = await askRegistry(context, withEffect, "prune", { key: keys, yes: true })
  return done.ok ? writeResult(context, "prune", done, payload, false) : exitWith(context, done.error, false)
}
