import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import { sharedFileSystem } from "../../machine/fileSystem.ts"
import { shellWord } from "../../text/shell.ts"
import type { Check, DoctorContext, FindingDraft } from "../DoctorContext.ts"
import { asAdministrator } from "../remedies.ts"

/** A query that takes longer than this is noticeable. */
const SLOW_MS = 200
const QUERIES = 3

/** Reports a file that other machines can change, too: SQLite's locks and shared memory do not reach them. */
const ofFile = ({ settings: { database }, store }: DoctorContext): ReadonlyArray<FindingDraft> => {
  if (database._tag !== "Sqlite") return []
  const directory = dirname(database.path)
  const system = sharedFileSystem(directory)
  if (system === undefined) return []
  return [
    {
      severity: "warning",
      keys: [],
      ports: [],
      message: `${store.label} is on ${system}, and may be damaged if two machines use it`,
      evidence: `${directory} is not on a local disk`,
      ...fix(null, "name a file on a local disk with AUTOMATELINUX_DATABASE_URL, or a database server")
    }
  ]
}

/** Checks that acknowledged changes survive a crash, and that the database answers soon. */
export const storeDurable: Check = (context) =>
  Effect.gen(function* () {
    const { store } = context
    const findings: Array<FindingDraft> = [...ofFile(context)]
    const loss = yield* store.durabilityRisk
    if (loss !== undefined) {
      const whose = loss.when === "server" ? "the server" : "the server's machine"
      findings.push({
        severity: loss.when === "server" ? "warning" : "info",
        keys: [],
        ports: [],
        message: `${store.label} may lose the last acknowledged changes when ${whose} crashes`,
        evidence: loss.setting,
        ...fix(asAdministrator(context, `SET GLOBAL ${loss.safe}`), "and set it in the server's configuration file")
      })
    }
    const times: Array<number> = []
    for (let count = 0; count < QUERIES; count++) {
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
        evidence: `an empty query took ${times.join(", ")} ms`,
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
