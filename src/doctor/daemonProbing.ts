import * as Effect from "effect/Effect"
import { age } from "../words.ts"
import { mendStore, restart } from "./remedies.ts"
import type { Check, Draft } from "./scene.ts"

/** Rounds that may be missed, and what one may take besides. */
const MISSED = 2.5
const SLACK_SECONDS = 5

/** The daemon looks at the ports as often as it should. */
export const daemonProbing: Check = (scene) =>
  Effect.gen(function* () {
    const state = yield* scene.daemon
    const status = yield* scene.status
    if (state._tag !== "Serving" || status === undefined || status.watching.idleSeconds === null) return []
    const { failure, fault, idleSeconds, intervalSeconds } = status.watching
    if (idleSeconds <= MISSED * intervalSeconds + SLACK_SECONDS) return []
    const again = yield* restart(scene, state.path, status.pid)
    const draft: Draft = {
      severity: "warning",
      keys: [],
      ports: [],
      message: `the daemon has not looked at the ports for ${age(idleSeconds)}, and should every ${intervalSeconds} s`,
      evidence: failure ?? `pid ${status.pid}, last round ${status.lastTick?.at ?? "never"}; its log may tell why`,
      ...(fault === null ? again : yield* mendStore(scene, fault, again))
    }
    return [draft]
  })
