import type { Listener } from "../domain/Listener.ts"
import { describeListener, names } from "../text/describe.ts"
import type { View } from "./DoctorContext.ts"

/** Makes the function that says why a port cannot be allocated; `undefined` if it can. */
export const obstacleIn =
  ({ keysOf, reserved }: View, listeners: ReadonlyMap<number, ReadonlyArray<Listener>>) =>
  (port: number): string | undefined => {
    const keys = keysOf.get(port)
    const reason = reserved.get(port)
    const [listener] = listeners.get(port) ?? []
    if (keys !== undefined) return `belongs to ${names(keys)}`
    if (reason !== undefined) return `is reserved: ${reason}`
    return listener === undefined ? undefined : `is in use by ${describeListener(listener)}`
  }
