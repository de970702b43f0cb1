import * as Effect from "effect/Effect"
import type { Unavailable } from "../domain/errors.ts"
import { mendStore } from "./remedies.ts"
import type { Check, Draft, Scene } from "./scene.ts"

const finding = (scene: Scene, { fault, hint, reason, store }: Unavailable): Draft => ({
  severity: "error",
  keys: [],
  ports: [],
  message: `${store} cannot be ${fault === "read-only" ? "written" : "used"}`,
  evidence: reason,
  remedy: mendStore(scene, fault, hint)
})

/** The database answers, and takes changes. */
export const storeReachable: Check = (scene) =>
  Effect.gen(function* () {
    const store = yield* scene.store
    const { missing, unused } = yield* scene.condition
    // Without its table there is nothing to try with; store-schema says that.
    if (!unused && !missing.includes("port_registry")) yield* store.tryWrite
    return []
  }).pipe(Effect.catchTag("Unavailable", (error) => Effect.succeed([finding(scene, error)])))
