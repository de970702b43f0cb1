import * as Effect from "effect/Effect"
import { NotIgnored, NotSet } from "../domain/errors.ts"
import type { IgnoredFindings } from "../domain/Finding.ts"
import { type Ignored, type IgnoredTarget, ignores, isSameTarget, readable } from "../domain/Ignored.ts"
import type { Note } from "../domain/Note.ts"
import type { DoctorContext, Draft } from "./DoctorContext.ts"

/** Keeps findings about `target` quiet from now on. */
export const ignore = ({ store }: DoctorContext, target: IgnoredTarget, reason: string) =>
  store.write((state) =>
    Effect.gen(function* () {
      const { key } = target
      if (key !== null && !state.rows.has(key)) return yield* new NotSet({ key })
      const isKnown = readable(state.ignored).some((rule) => isSameTarget(rule, target) && rule.reason === reason)
      return {
        answer: { _tag: "Ignoring", target } satisfies Note,
        changes: isKnown ? [] : [{ _tag: "Ignore" as const, target, reason }]
      }
    })
  )

/** Reports findings about `target` again. */
export const unignore = ({ store }: DoctorContext, target: IgnoredTarget) =>
  store.write((state) =>
    Effect.gen(function* () {
      if (!readable(state.ignored).some((rule) => isSameTarget(rule, target))) return yield* new NotIgnored({ target })
      return {
        answer: { _tag: "NoLongerIgnoring", target } satisfies Note,
        changes: [{ _tag: "Unignore" as const, target }]
      }
    })
  )

/** Splits what the checks found into what is reported and what the rules keep quiet. Each finding counts for one rule. */
export const withoutIgnored = (
  drafts: ReadonlyArray<Draft>,
  rules: ReadonlyArray<Ignored>
): { readonly kept: ReadonlyArray<Draft>; readonly ignored: ReadonlyArray<IgnoredFindings> } => {
  const ruleFor = (draft: Draft) => rules.find((rule) => ignores(rule, draft))
  return {
    kept: drafts.filter((draft) => ruleFor(draft) === undefined),
    ignored: rules.map((rule) => ({
      ...rule,
      findings: drafts
        .filter((draft) => ruleFor(draft) === rule)
        .map(({ message, severity }) => ({ severity, message }))
    }))
  }
}
