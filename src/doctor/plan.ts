import * as Effect from "effect/Effect"
import { type SettingName, variableOf } from "../config/settings.ts"
import { type Finding, type Fix, fix } from "../domain/Finding.ts"
import { appOf, keyProblem, kindOf } from "../domain/names.ts"
import { formatRange, type PortRange } from "../domain/PortRange.ts"
import { choosePair, nextSlot, type PortUsage } from "../registry/allocator.ts"
import { shellWord } from "../text/shell.ts"
import type { DoctorContext, Draft, Move, MoveDraft, View } from "./DoctorContext.ts"
import { deleteRow } from "./remedies.ts"

/** Decides where keys go, for all findings of a report together: every fix can be typed, in any order, or left out. */

const noRoom = (range: PortRange, setting: SettingName): Fix =>
  fix(
    null,
    `nothing is free in ${formatRange(range)}: release what is no longer needed, or enlarge ${variableOf(setting)}`
  )

const setPort = (key: string, port: number): string => `d setPort --key ${shellWord(key)} --value ${port}`

/** The world in which moves are planned. Ports that a fix has proposed count as reserved. */
interface Plan {
  readonly view: View
  readonly settings: DoctorContext["settings"]
  readonly world: PortUsage & { readonly reserved: Map<number, string> }
}

const give = ({ world }: Plan, ...ports: ReadonlyArray<number>): void => {
  for (const port of ports) world.reserved.set(port, "proposed by another fix")
}

/** Moves an app to another pair, one half after the other, so that it is never without ports and keeps its descriptions. */
const moveApp = (app: string, plan: Plan): Fix => {
  const { appRange } = plan.settings
  const slot = nextSlot(appRange, 2, plan.world)
  if (slot._tag === "Full") return noRoom(appRange, "appRange")
  give(plan, slot.port, slot.port + 1)
  const halves = [
    { key: `${app}-prod`, port: slot.port },
    { key: `${app}-dev`, port: slot.port + 1 }
  ]
  const held = halves.filter(({ key }) => plan.view.ports.has(key))
  const rest = held.length < halves.length ? [`d allocate --app ${shellWord(app)}`] : []
  return fix([...held.map(({ key, port }) => setPort(key, port)), ...rest].join(" && "))
}

/** Gives an app its other half, or moves it if that port is not free. */
const completeApp = (app: string, plan: Plan): Fix => {
  const pair = choosePair(`${app}-prod`, `${app}-dev`, plan.settings.appRange, plan.world)
  if (pair._tag !== "Completed") return moveApp(app, plan)
  give(plan, pair.prod, pair.dev)
  return fix(`d allocate --app ${shellWord(app)}`)
}

/** Moves one half of an app next to the other one if that port is free, otherwise moves the whole app. */
const moveHalf = (key: string, app: string, plan: Plan): Fix => {
  const ports = new Map([...plan.view.ports].filter(([other]) => other !== key))
  const pair = choosePair(`${app}-prod`, `${app}-dev`, plan.settings.appRange, { ...plan.world, ports })
  if (pair._tag !== "Completed") return moveApp(app, plan)
  const port = kindOf(key) === "prod" ? pair.prod : pair.dev
  give(plan, port)
  return fix(setPort(key, port))
}

const moveSpecial = (key: string, plan: Plan): Fix => {
  const { specialRange } = plan.settings
  const slot = nextSlot(specialRange, 1, plan.world)
  if (slot._tag === "Full") return noRoom(specialRange, "specialRange")
  give(plan, slot.port)
  return fix(setPort(key, slot.port))
}

const appOfMove = (move: Move): string | null => ("app" in move ? move.app : appOf(move.key))

/** The one fix for all that is asked of an app: the largest move. */
const fixApp = (app: string, moves: ReadonlyArray<Move>, plan: Plan): Fix => {
  const asked = moves.filter((move) => appOfMove(move) === app)
  const [half, ...others] = new Set(asked.flatMap((move) => ("key" in move ? [move.key] : [])))
  if (others.length > 0 || asked.some((move) => "app" in move && move.whole)) return moveApp(app, plan)
  return half === undefined ? completeApp(app, plan) : moveHalf(half, app, plan)
}

const isMove = (draft: Draft): draft is MoveDraft => "moves" in draft

/** Decides all moves of `drafts` in the world of `plan`. Returns the findings with their fixes. */
const planAll = (context: DoctorContext, drafts: ReadonlyArray<Draft>, plan: Plan): ReadonlyArray<Finding> => {
  const moves = drafts.filter(isMove).flatMap((draft) => draft.moves)
  const apps = new Map<string, Fix>()
  const specials = new Map<string, Fix>()
  const fixOf = (move: Move): Fix => {
    if ("key" in move && keyProblem(move.key) !== undefined) return fix(deleteRow(context, move.key))
    const app = appOfMove(move)
    const [planned, name] = app === null && "key" in move ? [specials, move.key] : [apps, app ?? ""]
    const made = planned.get(name) ?? (planned === specials ? moveSpecial(name, plan) : fixApp(name, moves, plan))
    planned.set(name, made)
    return made
  }
  return drafts.map((draft): Finding => {
    if (!isMove(draft)) return draft
    const { moves: own, ...finding } = draft
    const fixes = own.map(fixOf)
    const joined = (texts: ReadonlyArray<string | null>, by: string) =>
      [...new Set(texts.filter((text) => text !== null))].join(by) || null
    const commands = joined(
      fixes.map((each) => each.fix),
      " && "
    )
    return { ...finding, ...fix(commands, joined([...fixes.map(({ advice }) => advice), draft.advice], "; ")) }
  })
}

/**
 * Returns the findings of a report, which come in its order, with their fixes. A port that is proposed is bind-tested, because
 * something may have bound it without listening; the fixes are then planned again without it.
 */
export const withFixes = (
  context: DoctorContext,
  drafts: ReadonlyArray<Draft>
): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    // Without the database nothing is to be moved.
    if (!drafts.some(isMove)) return drafts.filter((draft): draft is Finding => !isMove(draft))
    const view = yield* Effect.orDie(context.view)
    const bound = new Set(yield* context.bound)
    while (true) {
      const reserved = new Map(view.reserved)
      const plan: Plan = { view, settings: context.settings, world: { ports: view.ports, reserved, bound } }
      const findings = planAll(context, drafts, plan)
      const proposed = [...reserved.keys()].filter((port) => !view.reserved.has(port) && !view.keysOf.has(port))
      const busy = yield* Effect.filter(proposed, (port) =>
        Effect.map(context.inUse(port), (inUse) => inUse === true && !bound.has(port))
      )
      if (busy.length === 0) return findings
      for (const port of busy) bound.add(port)
    }
  })
