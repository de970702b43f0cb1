import * as Effect from "effect/Effect"
import type { Unavailable } from "../../domain/errors.ts"
import { fix } from "../../domain/Finding.ts"
import type { Check, DoctorContext, FindingDraft } from "../DoctorContext.ts"
import { fixForStore } from "../remedies.ts"

const finding = (context: DoctorContext, { fault, hint, reason, store }: Unavailable) =>
  Effect.map(
    fixForStore(context, fault, fix(null, hint)),
    (remedy): FindingDraft => ({
      severity: "error",
      keys: [],
      ports: [],
      message: `${store} cannot be ${fault === "read-only" ? "written" : "used"}`,
      evidence: reason,
      ...remedy
    })
  )

/** Checks that the database answers and accepts changes. */
export const storeReachable: Check = (context) =>
  Effect.gen(function* () {
    const { store } = context
    const { foreign, known, missing, stored } = yield* context.schemaStatus
    yield* store.tryStorage
    // If its tables are incomplete or newer, store-schema reports that.
    if (missing.length + foreign.length === 0 && stored.version <= known.version) yield* store.tryWrite
    return []
  }).pipe(Effect.catchTag("Unavailable", (error) => Effect.map(finding(context, error), (draft) => [draft])))
