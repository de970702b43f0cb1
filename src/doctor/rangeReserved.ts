import * as Effect from "effect/Effect"
import { appOf } from "../domain/rules.ts"
import { moveApp, moveKey } from "./remedies.ts"
import type { Check } from "./scene.ts"

/** No key has a port that is held back. */
export const rangeReserved: Check = (scene) =>
  Effect.gen(function* () {
    const view = yield* scene.view
    const bound = new Set((yield* scene.listeners).keys())
    return [...view.ports].flatMap(([key, port]) => {
      const reason = view.reserved.get(port)
      if (reason === undefined) return []
      const app = appOf(key)
      const instead = scene.settings.reserved.has(port)
        ? `AUTOMATELINUX_RESERVED_PORTS=-${port}`
        : `d unreserve --port ${port}`
      return [
        {
          severity: "warning" as const,
          keys: [key],
          ports: [port],
          message: `${key} has ${port}, which is reserved`,
          evidence: reason,
          remedy: `${app === null ? moveKey(key, view, scene, bound) : moveApp(app, view)}  # or let it go: ${instead}`
        }
      ]
    })
  })
