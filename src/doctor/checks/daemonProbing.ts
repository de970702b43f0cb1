import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import type { Unstored } from "../../domain/portHealth.ts"
import { age, describeUnstored } from "../../text/describe.ts"
import type { Check, DoctorContext, FindingDraft } from "../DoctorContext.ts"
import { asAdministrator, fixForStore, RESTART } from "../remedies.ts"

/** How many ticks may be missed, and how long one may take. */
const MISSED = 2.5
const SLACK_SECONDS = 5

/** Reports what the database refuses to store. Health is worth more than a description. */
const ofRefused = (context: DoctorContext, refused: Unstored): FindingDraft => {
  const table = refused.what === "owner" ? "port_owners" : "port_health"
  const { database } = context.settings
  const show = database._tag === "Sqlite" ? ".schema" : "SHOW CREATE TABLE"
  return {
    severity: refused.what === "health" ? "warning" : "info",
    keys: [refused.key],
    ports: [refused.port],
    message: describeUnstored(refused),
    evidence: refused.reason,
    ...fix(asAdministrator(context, `${show} ${table}`), "shows what the table can store; everything else is stored")
  }
}

/** Checks that the daemon probes the ports as often as it should, and that the database stores their health. */
export const daemonProbing: Check = (context) =>
  Effect.gen(function* () {
    const state = yield* context.daemon
    const status = yield* context.status
    if (state._tag !== "Serving" || status === undefined || status.watching.idleSeconds === null) return []
    const { failure, fault, idleSeconds, intervalSeconds } = status.watching
    const refused = status.watching.unstored.map((each) => ofRefused(context, each))
    if (idleSeconds <= MISSED * intervalSeconds + SLACK_SECONDS) return refused
    const again = fix(RESTART)
    const draft: FindingDraft = {
      severity: "warning",
      keys: [],
      ports: [],
      message: `the daemon has not probed the ports for ${age(idleSeconds)}; it should probe them every ${intervalSeconds} s`,
      evidence: failure ?? `pid ${status.pid}, last probe ${status.lastTick?.at ?? "never"}; its log may say why`,
      ...(fault === null ? again : yield* fixForStore(context, fault, again))
    }
    return [draft, ...refused]
  })
