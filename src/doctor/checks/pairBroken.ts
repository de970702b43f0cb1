import * as Effect from "effect/Effect"
import { appOf, keyProblem } from "../../domain/names.ts"
import { partnerOf } from "../../domain/PortRange.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { obstacleIn } from "../obstacle.ts"

/** The fault of an app's pair. With `advice`, the app has only one mode, which is an info. */
interface Fault {
  readonly message: string
  readonly evidence: string
  readonly advice?: string
}

const ofHalf = (app: string, mode: "prod" | "dev", port: number, obstacle: ReturnType<typeof obstacleIn>): Fault => {
  const other = mode === "prod" ? "dev" : "prod"
  const evidence = `${app}-${mode} has ${port}, ${app}-${other} has no port`
  const message = `${app} has half a pair`
  if (port % 2 !== (mode === "prod" ? 0 : 1)) {
    const [is, are] = mode === "prod" ? ["odd", "even"] : ["even", "odd"]
    return { message, evidence: `${evidence}; ${port} is ${is}, and ${mode} ports are ${are}` }
  }
  const partner = partnerOf(port)
  const taken = obstacle(partner)
  return taken === undefined
    ? { message: `${app} has only ${mode}`, evidence, advice: `if it needs ${other}, too` }
    : { message, evidence: `${evidence}; ${partner} ${taken}` }
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
    const obstacle = obstacleIn(view, yield* context.listeners)
    const faultOf = (app: string, prod: number | undefined, dev: number | undefined) => {
      if (prod !== undefined && dev !== undefined) return ofPair(app, prod, dev)
      return prod === undefined ? ofHalf(app, "dev", dev ?? 0, obstacle) : ofHalf(app, "prod", prod, obstacle)
    }
    const keys = [...view.ports.keys()].filter((key) => keyProblem(key) === undefined)
    return [...new Set(keys.flatMap((key) => appOf(key) ?? []))].flatMap((app): ReadonlyArray<FindingDraft> => {
      const held = [`${app}-prod`, `${app}-dev`].filter((key) => view.ports.has(key))
      const fault = faultOf(app, view.ports.get(`${app}-prod`), view.ports.get(`${app}-dev`))
      if (fault === undefined) return []
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
    })
  })
