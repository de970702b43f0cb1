import * as Effect from "effect/Effect"
import { type Fix, fix } from "../../domain/Finding.ts"
import { appOf, keyProblem } from "../../domain/names.ts"
import { choosePair } from "../../registry/allocator.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { moveApp, worldOf } from "../remedies.ts"

/** Checks that every app has a whole pair: an even port for prod, the next port for dev. */
export const pairBroken: Check = (context) =>
  Effect.gen(function* () {
    const view = yield* context.view
    const bound = yield* context.bound
    const keys = [...view.ports.keys()].filter((key) => keyProblem(key) === undefined)
    const apps = new Set(keys.flatMap((key) => appOf(key) ?? []))
    const move = (app: string) => moveApp(app, view, context, bound)
    return [...apps].flatMap((app): ReadonlyArray<FindingDraft> => {
      const prod = view.ports.get(`${app}-prod`)
      const dev = view.ports.get(`${app}-dev`)
      const finding = (message: string, evidence: string, remedy: Fix): ReadonlyArray<FindingDraft> => [
        {
          severity: "warning",
          keys: [...(prod === undefined ? [] : [`${app}-prod`]), ...(dev === undefined ? [] : [`${app}-dev`])],
          ports: [prod, dev].filter((port) => port !== undefined),
          message,
          evidence,
          ...remedy
        }
      ]
      if (prod === undefined || dev === undefined) {
        const [has, lacks] = prod === undefined ? ["dev", "prod"] : ["prod", "dev"]
        return finding(
          `${app} has half a pair`,
          `${app}-${has} has ${prod ?? dev}, ${app}-${lacks} has no port`,
          choosePair(`${app}-prod`, `${app}-dev`, context.settings.appRange, worldOf(view, bound))._tag === "Completed"
            ? fix(`d allocate --app ${app}`)
            : move(app)
        )
      }
      const evidence = `${app}-prod has ${prod}, ${app}-dev has ${dev}`
      if (dev !== prod + 1) return finding(`${app} has a split pair`, evidence, move(app))
      return prod % 2 === 0 ? [] : finding(`${app} has prod on an odd port`, evidence, move(app))
    })
  })
