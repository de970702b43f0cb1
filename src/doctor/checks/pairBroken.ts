import * as Effect from "effect/Effect"
import { appOf, keyProblem } from "../../domain/names.ts"
import { partnerOf } from "../../domain/PortRange.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { obstacleTo } from "../obstacle.ts"

/** The fault of an app's pair. With `advice`, the app has only one mode, which is an info. */
interface Fault {
  readonly message: string
  readonly evidence: string
  readonly advice?: string
}

const ofHalf = (
  app: string,
  mode: "prod" | "dev",
  port: number,
  obstacle: (port: number) => Effect.Effect<string | undefined>
): Effect.Effect<Fault> => {
  const other = mode === "prod" ? "dev" : "prod"
  const evidence = `${app}-${mode} has ${port}, ${app}-${other} has no port`
  const message = `${app} has half a pair`
  if (port % 2 !== (mode === "prod" ? 0 : 1)) {
    const [is, are] = mode === "prod" ? ["odd", "even"] : ["even", "odd"]
    return Effect.succeed({ message, evidence: `${evidence}; ${port} is ${is}, and ${mode} ports are ${are}` })
  }
  const partner = partnerOf(port)
  return Effect.map(obstacle(partner), (taken) =>
    taken === undefined
      ? { message: `${app} has only ${mode}`, evidence, advice: `if it needs ${other}, too` }
      : { message, evidence: `${evidence}; ${partner} ${taken}` }
  )
}

const ofPair = (app: string, prod: number, dev: number): Fault | undefined => {
  const evidence = `${app}-prod has ${prod}, ${app}-dev has ${dev}`
  if (dev !== prod + 1) return { message: `${app} has a split pair`, evidence }
  return prod % 2 === 0 ? undefined : { message: `${app} has prod on an odd port`, evidence }
}

/**
 * Checks that every app has a whole pair: an even port for prod, the next port for dev. An app of one mode is no fault, as
 * long as the port for the other one is free.
 */
export const pairBroken: Check = (context) =>
  Effect.gen(function* () {
    const view = yield* context.view
    const faultOf = (app: string, prod: number | undefined, dev: number | undefined) => {
      if (prod !== undefined && dev !== undefined) return Effect.succeed(ofPair(app, prod, dev))
      const obstacle = (port: number) => obstacleTo(context, view, port)
      return prod === undefined ? ofHalf(app, "dev", dev ?? 0, obstacle) : ofHalf(app, "prod", prod, obstacle)
    }
    const keys = [...view.ports.keys()].filter((key) => keyProblem(key) === undefined)
    const apps = [...new Set(keys.flatMap((key) => appOf(key) ?? []))]
    const found = yield* Effect.forEach(apps, (app) =>
      Effect.map(
        faultOf(app, view.ports.get(`${app}-prod`), view.ports.get(`${app}-dev`)),
        (fault): ReadonlyArray<FindingDraft> => {
          if (fault === undefined) return []
          const held = [`${app}-prod`, `${app}-dev`].filter((key) => view.ports.has(key))
          const { advice = null, evidence, message } = fault
          return [
            {
              severity: advice === null ? "warning" : "info",
              keys: held,
              ports: held.flatMap((key) => view.ports.get(key) ?? []),
              message,
              evidence,
              moves: [{ app, whole: advice === null }],
              advice
            }
          ]
        }
      )
    )
    return found.flat()
  })
