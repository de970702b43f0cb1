import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import { shellWord } from "../../text/shell.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { asAdministrator } from "../remedies.ts"

/** An answer that takes longer than this is felt. */
const SLOW_MS = 200
const QUESTIONS = 3

/** What was confirmed stays, and answers come soon. */
export const storeDurable: Check = (context) =>
  Effect.gen(function* () {
    const { store } = context
    const findings: Array<FindingDraft> = []
    const loss = yield* store.durabilityRisk
    if (loss !== undefined) {
      const whose = loss.when === "server" ? "the server" : "the server's machine"
      findings.push({
        severity: loss.when === "server" ? "warning" : "info",
        keys: [],
        ports: [],
        message: `${store.label} may forget what it confirmed last, when ${whose} crashes`,
        evidence: loss.setting,
        ...fix(asAdministrator(context, `SET GLOBAL ${loss.safe}`), "and in its configuration file")
      })
    }
    const times: Array<number> = []
    for (let count = 0; count < QUESTIONS; count++) {
      const before = performance.now()
      yield* store.ping
      times.push(Math.round(performance.now() - before))
    }
    if (Math.min(...times) > SLOW_MS) {
      findings.push({
        severity: "warning",
        keys: [],
        ports: [],
        message: `${store.label} answers slowly`,
        evidence: `an empty question took ${times.join(", ")} ms`,
        ...fix(
          context.settings.database._tag === "Sqlite"
            ? `fuser -v ${shellWord(context.settings.database.path)}`
            : asAdministrator(context, "SHOW FULL PROCESSLIST"),
          "shows what keeps it busy"
        )
      })
    }
    return findings
  })
