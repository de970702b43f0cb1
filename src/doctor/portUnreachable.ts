import * as Effect from "effect/Effect"
import { kindOf } from "../domain/rules.ts"
import { deletePort } from "./remedies.ts"
import type { Check, Draft } from "./scene.ts"

/** Something answers on every assigned port. What is not started at the moment is no fault, unless it should always run. */
export const portUnreachable: Check = (scene) =>
  Effect.gen(function* () {
    const view = yield* scene.view
    const silent = yield* scene.silent
    const { host } = scene.settings.actor
    return [...view.ports].flatMap(([key, port]): ReadonlyArray<Draft> => {
      const health = view.healthOf(key)
      const seen = health?.lastUp ?? null
      const claim = view.claims.get(port)
      // What another host has claimed runs there; what is stale is told as that.
      const elsewhere = seen === null && claim !== undefined && claim.host !== host
      if (!silent.has(port) || health?.state === "stale" || elsewhere) return []
      const owner = view.owners.get(key)
      const place = owner?.kind === "directory" ? `, in ${owner.name}` : ""
      return [
        {
          severity: seen !== null && kindOf(key) !== "dev" ? "warning" : "info",
          keys: [key],
          ports: [port],
          message: `nothing answers on ${port} (${key})`,
          evidence:
            seen === null
              ? `never seen up on ${host}`
              : `last up ${seen}${health?.listener ? `, served by ${health.listener}` : ""}`,
          remedy: `${deletePort(key)}  # or start it${place}`
        }
      ]
    })
  })
