import * as Effect from "effect/Effect"
import { contains, formatRange } from "../domain/PortRange.ts"
import { appOf } from "../domain/rules.ts"
import { moveApp, moveKey } from "./remedies.ts"
import type { Check, Draft } from "./scene.ts"

/** Every key has a port of its kind's range. */
export const rangeMisplaced: Check = (scene) =>
  Effect.gen(function* () {
    const view = yield* scene.view
    const bound = new Set((yield* scene.listeners).keys())
    const { appRange, specialRange } = scene.settings
    const outside = [...view.ports].filter(
      ([key, port]) => !contains(appOf(key) === null ? specialRange : appRange, port)
    )
    const owners = new Set(outside.map(([key]) => appOf(key) ?? key))
    return [...owners].map((owner): Draft => {
      const theirs = outside.filter(([key]) => (appOf(key) ?? key) === owner)
      const special = theirs.some(([key]) => key === owner)
      const range = special ? specialRange : appRange
      return {
        severity: "info",
        keys: theirs.map(([key]) => key),
        ports: theirs.map(([, port]) => port),
        message: `${theirs.map(([key, port]) => `${key} has ${port}`).join(", ")}, outside ${formatRange(range)}`,
        evidence: `${special ? "specials" : "apps"} get their ports from ${formatRange(range)}`,
        remedy: special ? moveKey(owner, view, scene, bound) : moveApp(owner, view)
      }
    })
  })
