import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import { appOf, keyProblem } from "../../domain/names.ts"
import type { Check, DoctorContext, FindingDraft, View } from "../DoctorContext.ts"
import { configure } from "../remedies.ts"

/** The commands that make `port` allocatable, in one line. */
const unreserve = (port: number, view: View, context: DoctorContext): string => {
  const { reserved, written } = context.settings
  const current = written.get("reservedPorts") || undefined
  const fixes = [
    ...(view.reservedAtRunTime.has(port) ? [fix(`d unreserve --port ${port}`)] : []),
    ...(reserved.has(port)
      ? [configure(context, "reservedPorts", [...(current === undefined ? [] : [current]), `-${port}`].join(","))]
      : [])
  ]
  return fixes.map(({ advice, fix: command }) => `${command}${advice === null ? "" : ` (${advice})`}`).join(" && ")
}

/** Checks that no key has a reserved port. */
export const rangeReserved: Check = (context) =>
  Effect.gen(function* () {
    const view = yield* context.view
    return [...view.ports].flatMap(([key, port]): ReadonlyArray<FindingDraft> => {
      const reason = view.reserved.get(port)
      if (reason === undefined || keyProblem(key) !== undefined) return []
      const app = appOf(key)
      return [
        {
          severity: "warning",
          keys: [key],
          ports: [port],
          message: `${key} has ${port}, which is reserved`,
          evidence: reason,
          moves: [app === null ? { key } : { app, whole: true }],
          advice: `or make it allocatable: ${unreserve(port, view, context)}`
        }
      ]
    })
  })
