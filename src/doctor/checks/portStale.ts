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
    const elsewhere = yield* context.upElsewhere
    const groups = [...staleOwners(view, context, yield* context.silent).values()]
    // What another host serves is in use, and is not to be released.
    const unused = groups.filter((group) => !group.some(({ port }) => elsewhere.has(port)))
    return unused.map((group): FindingDraft => {
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
