import * as Effect from "effect/Effect"
import { names } from "../sentences.ts"
import { moveKey } from "./remedies.ts"
import type { Check } from "./scene.ts"

/** Each port belongs to one key. */
export const portShared: Check = (scene) =>
  Effect.gen(function* () {
    const view = yield* scene.view
    const bound = new Set((yield* scene.listeners).keys())
    return [...view.keysOf]
      .filter(([, keys]) => keys.length > 1)
      .map(([port, keys]) => {
        const claim = view.claims.get(port)
        const others = keys.filter((key) => key !== (claim?.key ?? keys[0]))
        return {
          severity: "error" as const,
          keys,
          ports: [port],
          message: `${port} belongs to ${names(keys)}`,
          evidence:
            claim === undefined
              ? "none of them has a claim on it"
              : `${claim.key} claimed it at ${claim.claimedAt}, by ${claim.by} on ${claim.host}`,
          remedy: others.map((key) => moveKey(key, view, scene, bound)).join(" && ")
        }
      })
  })
