import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { version as program } from "../../../package.json"
import { type Fix, fix } from "../../domain/Finding.ts"
import type { SchemaStatus } from "../../domain/SchemaStatus.ts"
import { quote } from "../../text/escape.ts"
import type { Check, DoctorContext, FindingDraft } from "../DoctorContext.ts"
import { asAdministrator, configure, sqlName } from "../remedies.ts"

/** Leaves another program's table alone: ours get another name, or another database. */
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

/** Reports tables of another version than this program's. */
const otherVersion = (label: string, { known, stored }: SchemaStatus): ReadonlyArray<FindingDraft> => {
  const version = Number.isFinite(stored.version) ? `version ${stored.version}` : "an unreadable version"
  const draft = {
    keys: [],
    ports: [],
    message: `the tables in ${label} have ${version}, but d ${program} uses version ${known.version}`
  }
  if (stored.version > known.version) {
    const { since } = stored
    const maker = since === undefined ? "a newer d" : `d ${since} or newer`
    return [
      {
        ...draft,
        severity: "error",
        evidence: `${maker} made them; this d changes nothing`,
        ...fix(null, `install ${maker}`)
      }
    ]
  }
  if (stored.version === known.version) return []
  return [
    {
      ...draft,
      severity: "info",
      evidence: "the next change upgrades them; after that, older versions of d can read them but not change them",
      ...fix("d doctor --fix")
    }
  ]
}

/** Checks that every table exists, with the expected columns. An unused database gets its tables with the first change. */
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
          message: `the table ${table} in ${store.label} belongs to another program`,
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
        evidence: "other tables of the registry exist",
        ...fix("d doctor --fix")
      }
    ]
  })
