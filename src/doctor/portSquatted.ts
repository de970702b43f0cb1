import * as Effect from "effect/Effect"
import { contains } from "../domain/PortRange.ts"
import { shellWord } from "../domain/shell.ts"
import { describeListener, describeSocket } from "../sentences.ts"
import type { Check, Draft } from "./scene.ts"

/** What listens in a managed range is registered, or held back. */
export const portSquatted: Check = (scene) =>
  Effect.gen(function* () {
    const { keysOf, reserved } = yield* scene.view
    const { appRange, specialRange } = scene.settings
    return [...(yield* scene.listeners)].flatMap(([port, [listener]]): ReadonlyArray<Draft> => {
      const managed = contains(appRange, port) || contains(specialRange, port)
      if (!managed || keysOf.has(port) || reserved.has(port) || listener === undefined) return []
      const who = describeListener(listener)
      return [
        {
          severity: "info",
          keys: [],
          ports: [port],
          message: `${port} is in use by ${who}, and nobody has registered it`,
          evidence: describeSocket(listener),
          remedy: `d reserve --port ${port} --reason ${shellWord(`used by ${who}`)}  # or give it a key: d setPort --key KEY --value ${port}`
        }
      ]
    })
  })
