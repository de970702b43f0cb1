import * as Effect from "effect/Effect"
import { describeListener, names } from "../text/describe.ts"
import type { DoctorContext, View } from "./DoctorContext.ts"

/** Returns why `port` cannot be allocated; `undefined` if it can. Knows what `d allocate` knows. */
export const obstacleTo = ({ inUse, listeners }: DoctorContext, { keysOf, reserved }: View, port: number) =>
  Effect.gen(function* () {
    const keys = keysOf.get(port)
    const reason = reserved.get(port)
    if (keys !== undefined) return `belongs to ${names(keys)}`
    if (reason !== undefined) return `is reserved: ${reason}`
    const [listener] = (yield* listeners).get(port) ?? []
    if (listener !== undefined) return `is in use by ${describeListener(listener)}`
    return (yield* inUse(port)) === true ? `is in use by ${describeListener(null)}` : undefined
  })
