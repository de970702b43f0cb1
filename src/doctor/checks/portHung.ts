import * as Effect from "effect/Effect"
import type { Fix } from "../../domain/Finding.ts"
import type { Listener } from "../../domain/Listener.ts"
import { withContainers } from "../../machine/ContainerEngines.ts"
import { describeListener, describeSockets, names } from "../../text/describe.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { byProcess } from "../groupByProcess.ts"
import { restartServer, resume } from "../stop.ts"

const PROBES = 3
const EVERY = "1 second"

const same = (a: Listener) => (b: Listener) => a.port === b.port && a.address === b.address

/** Checks that listeners accept connections. One non-empty accept queue may just be a new connection, so probe three times. */
export const portHung: Check = (context) =>
  Effect.gen(function* () {
    yield* context.requireListeners
    const { keysOf } = yield* context.view
    const listening = [...(yield* context.listeners).values()].flat().filter(({ port }) => keysOf.has(port))
    const stopped = listening.filter(({ process }) => process?.stopped === true)
    let waiting = listening.filter((each) => each.queue > 0 && !stopped.includes(each))
    for (let look = 1; look < PROBES && waiting.length > 0; look++) {
      yield* Effect.sleep(EVERY)
      const now = yield* withContainers(yield* context.machine.on(new Set(waiting.map(({ port }) => port))))
      waiting = now.filter((each) => each.queue > 0 && waiting.some(same(each)))
    }
    const findings = (
      found: ReadonlyArray<Listener>,
      evidence: (group: ReadonlyArray<Listener>) => string,
      remedy: (listener: Listener) => Fix
    ) =>
      byProcess(found).map((group): FindingDraft => {
        const [listener] = group
        const keys = keysOf.get(listener.port) ?? []
        return {
          severity: "error",
          keys,
          ports: [listener.port],
          message: `${listener.port} (${names(keys)}) is served by ${describeListener(listener)}, which does not accept connections`,
          evidence: `${evidence(group)}; ${describeSockets(group)}`,
          ...remedy(listener)
        }
      })
    return [
      ...findings(stopped, () => "the process is stopped", resume),
      ...findings(
        waiting,
        (group) =>
          `in ${PROBES} probes a second apart, connections were waiting to be accepted; now ${group.reduce((sum, each) => sum + each.queue, 0)}`,
        restartServer
      )
    ]
  })
