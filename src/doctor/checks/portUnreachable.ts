import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import { kindOf } from "../../domain/names.ts"
import { changeDirectory } from "../../text/shell.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { release } from "../remedies.ts"
import { ofThisHost, staleOwners } from "../staleKeys.ts"

/** Something answers on every assigned port. What is not started at the moment is no fault, unless it should always run. */
export const portUnreachable: Check = (context) =>
  Effect.gen(function* () {
    // What the other machine serves is not to be given back for that.
    if ((yield* context.rival) !== undefined) return []
    const view = yield* context.view
    const silent = yield* context.silent
    const stale = new Set([...staleOwners(view, context, silent).values()].flat().map(({ key }) => key))
    return ofThisHost(view, context)
      .filter(({ key, port }) => silent.has(port) && !stale.has(key))
      .map(({ health, key, port }): FindingDraft => {
        const seen = health?.lastUp ?? null
        const owner = view.owners.get(key)
        const place = owner?.kind === "directory" ? changeDirectory(owner.name) : `d explain --key ${key}`
        return {
          severity: seen !== null && kindOf(key) !== "dev" ? "warning" : "info",
          keys: [key],
          ports: [port],
          message: `nothing answers on ${port} (${key})`,
          evidence:
            seen === null
              ? `never seen up on ${context.settings.actor.host}`
              : `last up ${seen}${health?.listener ? `, served by ${health.listener}` : ""}`,
          ...fix(place, `and start it; or give it back: ${release(key)}`)
        }
      })
  })
