import * as Effect from "effect/Effect"
import type { Listener } from "../domain/Listener.ts"
import { describeListener, describeSocket } from "../sentences.ts"
import type { Check, Draft } from "./scene.ts"

const LOOKS = 3
const EVERY = "1 second"

const same = (a: Listener) => (b: Listener) => a.port === b.port && a.address === b.address

/** What listens on an assigned port also accepts. Somebody who waits once may only have come this moment. */
export const portHung: Check = (scene) =>
  Effect.gen(function* () {
    const { keysOf } = yield* scene.view
    const listening = [...(yield* scene.listeners).values()].flat().filter(({ port }) => keysOf.has(port))
    const stopped = listening.filter(({ process }) => process?.stopped === true)
    let waiting = listening.filter((each) => each.queue > 0 && !stopped.includes(each))
    for (let look = 1; look < LOOKS && waiting.length > 0; look++) {
      yield* Effect.sleep(EVERY)
      const now = yield* scene.machine.on(new Set(waiting.map(({ port }) => port)))
      waiting = now.filter((each) => each.queue > 0 && waiting.some(same(each)))
    }
    const finding = (listener: Listener, evidence: string, remedy: string): Draft => {
      const keys = keysOf.get(listener.port) ?? []
      return {
        severity: "error",
        keys,
        ports: [listener.port],
        message: `${listener.port} (${keys.join(", ")}) is served by ${describeListener(listener)}, which does not accept connections`,
        evidence: `${evidence}; ${describeSocket(listener)}`,
        remedy
      }
    }
    return [
      ...stopped.map((each) => finding(each, "the process is stopped", `kill -CONT ${each.process?.pid}`)),
      ...waiting.map((each) =>
        finding(
          each,
          `in ${LOOKS} looks a second apart connections waited to be accepted, now ${each.queue}`,
          each.process === null
            ? `sudo ss -ltnp 'sport = :${each.port}'  # shows the process`
            : `kill ${each.process.pid}  # and start it again`
        )
      )
    ]
  })
