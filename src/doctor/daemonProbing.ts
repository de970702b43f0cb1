import * as Effect from "effect/Effect"
import { age } from "../sentences.ts"
import { mendStore, restart } from "./remedies.ts"
import type { Check } from "./scene.ts"

/** Rounds that may be missed, and what one may take besides. */
const MISSED = 2.5
const SLACK_SECONDS = 5

/** The daemon looks at the ports as often as it should. */
export const daemonProbing: Check = (scene) =>
  Effect.map(scene.daemon, (state) => {
    if (state._tag !== "Serving") return []
    const { lastTick, pid, watching } = state.status
    const seconds = watching.idleSeconds ?? 0
    if (seconds <= MISSED * watching.intervalSeconds + SLACK_SECONDS) return []
    const again = restart(pid)
    return [
      {
        severity: "warning" as const,
        keys: [],
        ports: [],
        message: `the daemon has not looked at the ports for ${age(seconds)}, and should every ${watching.intervalSeconds} s`,
        evidence: watching.failure ?? `pid ${pid}, last round ${lastTick?.at ?? "never"}; its log may tell why`,
        remedy: watching.fault === null ? again : mendStore(scene, watching.fault, again)
      }
    ]
  })
