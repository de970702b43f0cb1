import * as Effect from "effect/Effect"
import { appOf, keyProblem } from "../../domain/names.ts"
import { contains, formatRange, type PortRange } from "../../domain/PortRange.ts"
import type { Check, FindingDraft, Move } from "../DoctorContext.ts"

/** Checks that every key has a port in the range of its kind. */
export const rangeMisplaced: Check = (context) =>
  Effect.gen(function* () {
    const view = yield* context.view
    const { appRange, specialRange } = context.settings
    const outside = [...view.ports]
      .filter(
        ([key, port]) => keyProblem(key) === undefined && !contains(appOf(key) === null ? specialRange : appRange, port)
      )
      .sort(([, a], [, b]) => a - b)
    const finding = (theirs: ReadonlyArray<readonly [string, number]>, range: PortRange, move: Move): FindingDraft => ({
      severity: "info",
      keys: theirs.map(([key]) => key),
      ports: theirs.map(([, port]) => port),
      message: `${theirs.map(([key, port]) => `${key} has ${port}`).join(", ")}, outside ${formatRange(range)}`,
      evidence: `${range === specialRange ? "specials" : "apps"} get their ports from ${formatRange(range)}`,
      moves: [move],
      advice: null
    })
    const apps = new Set(outside.flatMap(([key]) => appOf(key) ?? []))
    return [
      ...[...apps].map((app) =>
        finding(
          outside.filter(([key]) => appOf(key) === app),
          appRange,
          { app, whole: true }
        )
      ),
      ...outside.filter(([key]) => appOf(key) === null).map((each) => finding([each], specialRange, { key: each[0] }))
    ]
  })
