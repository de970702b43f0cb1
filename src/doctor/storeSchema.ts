import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { type Fix, fix } from "../domain/Finding.ts"
import { quote } from "../domain/rules.ts"
import { asAdministrator, configure, sqlName } from "./remedies.ts"
import type { Check, Draft, Scene } from "./scene.ts"

/** Another program's table stays as it is: ours get another name, or another database. */
const elsewhere = (scene: Scene, table: string): Fix => {
  const { database, settingsTable } = scene.settings
  if (table === settingsTable) return configure(scene, "SETTINGS_TABLE", `port_${settingsTable}`)
  if (database._tag === "Sqlite") {
    return configure(scene, "DATABASE_URL", `sqlite:${join(dirname(database.path), "registry.sqlite")}`)
  }
  const own = `${database.name}_registry`
  return fix(
    asAdministrator(scene, `CREATE DATABASE ${sqlName(own)}`),
    `and name ${quote(own)} in AUTOMATELINUX_DATABASE_URL`
  )
}

/** Every table is there, in the expected shape. A database that nobody has used yet gets its tables at first use. */
export const storeSchema: Check = (scene) =>
  Effect.gen(function* () {
    const store = yield* scene.store
    const { foreign, missing, unused } = yield* scene.condition
    if (foreign.length > 0) {
      return foreign.map(
        ({ column, table }): Draft => ({
          severity: "error",
          keys: [],
          ports: [],
          message: `the table ${table} in ${store.label} is another program's`,
          evidence: `it has no column ${column}`,
          ...elsewhere(scene, table)
        })
      )
    }
    if (unused || missing.length === 0) return []
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
