import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import { appOf, keyProblem } from "../../domain/names.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { configure, moveApp, moveKey } from "../remedies.ts"

/** No key has a port that is held back. */
export const rangeReserved: Check = (context) =>
  Effect.gen(function* () {
    const view = yield* context.view
    const bound = yield* context.bound
    const { settings } = context
    return [...view.ports].flatMap(([key, port]): ReadonlyArray<FindingDraft> => {
      const reason = view.reserved.get(port)
      if (reason === undefined || keyProblem(key) !== undefined) return []
      const app = appOf(key)
      const written = settings.written.get("reservedPorts") || undefined
      const lets = [
        ...(view.reservedAtRunTime.has(port) ? [fix(`d unreserve --port ${port}`)] : []),
        ...(settings.reserved.has(port)
          ? [configure(context, "reservedPorts", [...(written === undefined ? [] : [written]), `-${port}`].join(","))]
          : [])
      ]
      const letGo = lets.map(({ advice, remedy }) => `${remedy}${advice === null ? "" : ` (${advice})`}`).join(" && ")
      const moves = app === null ? moveKey(key, view, context, bound) : moveApp(app, view, context, bound)
      return [
        {
          severity: "warning",
          keys: [key],
          ports: [port],
          message: `${key} has ${port}, which is reserved`,
          evidence: reason,
          remedy: moves.remedy,
          advice: [...(moves.advice === null ? [] : [moves.advice]), `or let it go: ${letGo}`].join("; ")
        }
      ]
    })
  })
