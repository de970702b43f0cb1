import * as Effect from "effect/Effect"
import { type Fix, fix } from "../../domain/Finding.ts"
import { DASHBOARD_KEY, kindOf } from "../../domain/names.ts"
import { isNoDirectory } from "../../machine/directory.ts"
import { quote } from "../../text/escape.ts"
import { changeDirectory } from "../../text/shell.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { release } from "../remedies.ts"
import { ofThisHost, staleOwners } from "../staleKeys.ts"

const startIn = (directory: string, key: string): Fix =>
  isNoDirectory(directory)
    ? fix(null, `there is no directory ${quote(directory)}; release it if it is no longer needed: ${release(key)}`)
    : fix(
        null,
        `start it: ${changeDirectory(directory)} && d run --key ${key} COMMAND; or release it if it is no longer needed: ${release(key)}`
      )

/** Checks that something answers on every assigned port. An app that is not started is no fault, unless it should always run. */
export const portUnreachable: Check = (context) =>
  Effect.gen(function* () {
    // The other machine may be serving it.
    if ((yield* context.rival) !== undefined) return []
    const view = yield* context.view
    const silent = yield* context.silent
    const stale = new Set([...staleOwners(view, context, silent).values()].flat().map(({ key }) => key))
    return ofThisHost(view, context)
      .filter(({ key, port }) => silent.has(port) && !stale.has(key))
      .map(({ health, key, port }): FindingDraft => {
        const seen = health?.lastUp ?? null
        const owner = view.owners.get(key)
        return {
          severity: seen !== null && kindOf(key) !== "dev" && key !== DASHBOARD_KEY ? "warning" : "info",
          keys: [key],
          ports: [port],
          message: `nothing answers on ${port} (${key})`,
          evidence:
            seen === null
              ? `never up on ${context.settings.actor.host}`
              : `last up ${seen}${health?.listener ? `, served by ${health.listener}` : ""}`,
          ...(key === DASHBOARD_KEY
            ? fix("d dashboard", "turns HTTP on until the daemon stops; nothing is wrong if it is off")
            : owner?.kind === "directory"
              ? startIn(owner.name, key)
              : fix(null, `start it; or release it if it is no longer needed: ${release(key)}`))
        }
      })
  })
