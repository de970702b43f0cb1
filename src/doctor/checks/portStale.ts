import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import { names } from "../../text/describe.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { release } from "../remedies.ts"
import { staleOwners } from "../staleKeys.ts"

/** Checks that no app or special has been down for so long that its ports may be released. */
export const portStale: Check = (context) =>
  Effect.gen(function* () {
    // The other machine may be serving it.
    if ((yield* context.rival) !== undefined) return []
    const view = yield* context.view
    return [...staleOwners(view, context, yield* context.silent).values()].map((group): FindingDraft => {
      const keys = group.map(({ key }) => key)
      const ports = group.map(({ port }) => port)
      const lastUp = group
        .flatMap(({ health }) => health?.lastUp ?? [])
        .sort()
        .at(-1)
      return {
        severity: "warning",
        keys,
        ports,
        message: `nothing has answered on ${ports.join(" and ")} (${names(keys)}) for so long that ${ports.length === 1 ? "it is" : "they are"} stale`,
        evidence: `stale since ${group
          .map(({ health }) => health?.since ?? "")
          .sort()
          .at(-1)}, last up ${lastUp ?? "never"}`,
        ...fix(release(keys[0] ?? ""), "or start it")
      }
    })
  })
