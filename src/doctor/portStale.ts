import * as Effect from "effect/Effect"
import { kindOf } from "../domain/rules.ts"
import { age } from "../sentences.ts"
import { deletePort } from "./remedies.ts"
import type { Check, Draft } from "./scene.ts"

/** No port has been quiet for so long that its key may be given back. */
export const portStale: Check = (scene) =>
  Effect.gen(function* () {
    const view = yield* scene.view
    const silent = yield* scene.silent
    const { staleAfter, staleAfterDev } = scene.settings.thresholds
    return [...view.ports].flatMap(([key, port]): ReadonlyArray<Draft> => {
      const health = view.healthOf(key)
      if (health?.state !== "stale" || !silent.has(port)) return []
      return [
        {
          severity: "warning",
          keys: [key],
          ports: [port],
          message: `${port} (${key}) is stale: nothing answered for ${age(kindOf(key) === "dev" ? staleAfterDev : staleAfter)} of watching`,
          evidence: `stale since ${health.since}, last up ${health.lastUp ?? "never"}`,
          remedy: `${deletePort(key)}  # or start it`
        }
      ]
    })
  })
