import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { version as program } from "../../../package.json"
import { type Fix, fix } from "../../domain/Finding.ts"
import type { SchemaStatus } from "../../domain/SchemaStatus.ts"
import { quote } from "../../text/escape.ts"
import type { Check, DoctorContext, FindingDraft } from "../DoctorContext.ts"
import { asAdministrator, configure, sqlName } from "../remedies.ts"

/** Another program's table stays as it is: ours get another name, or another database. */
const elsewhere = (context: DoctorContext, table: string): Fix => {
  const { database, settingsTable } = context.settings
  if (table === settingsTable) return configure(context, "settingsTable", `port_${settingsTable}`)
  if (database._tag === "Sqlite") {
    return configure(context, "databaseUrl", `sqlite:${join(dirname(database.path), "registry.sqlite")}`)
  }
  const own = `${database.name}_registry`
  return fix(
    asAdministrator(context, `CREATE DATABASE ${sqlName(own)}`),
    `and name ${quote(own)} in AUTOMATELINUX_DATABASE_URL`
  )
}

/** What is wrong with the version of the tables, if it is another than this program's. */
const otherVersion = (label: string, { known, stored }: SchemaStatus): ReadonlyArray<FindingDraft> => {
  const version = Number.isFinite(stored.version) ? `version ${stored.version}` : "a version that cannot be read"
  const draft = {
    keys: [],
    ports: [],
    message: `the tables in ${label} are of ${version}, and d ${program} makes version ${known.version}`
  }
  if (stored.version > known.version) {
    const { since } = stored
    const maker = since === undefined ? "a newer d" : `d ${since} or newer`
    return [
      {
        ...draft,
        severity: "error",
        evidence: `${maker} made them; nothing is changed`,
        ...fix(null, `install ${maker}`)
      }
    ]
  }
  if (stored.version === known.version) return []
  return [
    {
      ...draft,
      severity: "info",
      evidence: "the next change brings them up to date; older programs can read them then, and not change them",
      ...fix("d doctor --fix")
    }
  ]
}

/** Every table is there, in the expected shape. A database that nobody has used yet gets its tables at the first change. */
export const storeSchema: Check = (context) =>
  Effect.gen(function* () {
    const { store } = context
    const schemaStatus = yield* context.schemaStatus
    const { foreign, missing, unused } = schemaStatus
    const version = unused ? [] : otherVersion(store.label, schemaStatus)
    if (version.some(({ severity }) => severity === "error")) return version
    if (foreign.length > 0) {
      return foreign.map(
        ({ column, table }): FindingDraft => ({
          severity: "error",
          keys: [],
          ports: [],
          message: `the table ${table} in ${store.label} is another program's`,
          evidence: `it has no column ${column}`,
          ...elsewhere(context, table)
        })
      )
    }
    if (unused || missing.length === 0) return version
    return [
      {
        severity: "error" as const,
        keys: [],
        ports: [],
        message: `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing from ${store.label}`,
        evidence: "other tables of the registry are there",
        ...fix("d doctor --fix")
      }
    ]
  })
