import * as Effect from "effect/Effect"
import { keyProblem } from "../../domain/names.ts"
import { nameOf, names } from "../../text/describe.ts"
import type { Check } from "../DoctorContext.ts"

/** Checks that each port belongs to one key. */
export const portShared: Check = (context) =>
  Effect.gen(function* () {
    const view = yield* context.view
    return [...view.keysOf]
      .filter(([, keys]) => keys.length > 1)
      .map(([port, keys]) => {
        const claim = view.claims.get(port)
        // An invalid key goes, whichever came first.
        const valid = keys.filter((key) => keyProblem(key) === undefined)
        const stays = valid.find((key) => key === claim?.key) ?? valid[0] ?? keys[0]
        const others = keys.filter((key) => key !== stays)
        return {
          severity: "error" as const,
          keys,
          ports: [port],
          message: `${port} belongs to ${names(keys)}`,
          evidence:
            claim === undefined
              ? "none of them has a claim on it"
              : `${nameOf(claim.key)} claimed it at ${claim.claimedAt}, by ${claim.by} on ${claim.host}`,
          moves: others.map((key) => ({ key })),
          advice: null
        }
      })
  })
