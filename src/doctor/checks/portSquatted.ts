import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import { isForeign } from "../../domain/foreign.ts"
import { cut, LIMITS } from "../../domain/foreignText.ts"
import { processOfListener } from "../../domain/Listener.ts"
import { describeListener, describeSockets } from "../../text/describe.ts"
import { escaped } from "../../text/escape.ts"
import { shellWord } from "../../text/shell.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"

/** Checks that every listener in a managed range is registered or reserved. */
export const portSquatted: Check = (context) =>
  Effect.gen(function* () {
    yield* context.requireListeners
    const { keysOf, reserved } = yield* context.view
    const { appRange, specialRange } = context.settings
    return [...(yield* context.listeners)].flatMap(([port, [listener, ...others]]): ReadonlyArray<FindingDraft> => {
      if (listener === undefined || !isForeign(port, [appRange, specialRange], keysOf, reserved)) return []
      const { command, container, directory } = processOfListener(listener)
      const program = listener.container === null ? (command ?? "another program") : `container ${container}`
      const what = [program, ...(directory ? [directory] : [])].join(" in ")
      const reason = cut(escaped(what), LIMITS.text)
      return [
        {
          severity: "info",
          keys: [],
          ports: [port],
          message: `${port} is in use by ${describeListener(listener)}, but not registered`,
          evidence: describeSockets([listener, ...others]),
          ...fix(
            `d reserve --port ${port} --reason=${shellWord(reason)}`,
            `or assign it: d setPort --key KEY --value ${port}`
          )
        }
      ]
    })
  })
