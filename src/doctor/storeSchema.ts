import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { shellWord } from "../domain/shell.ts"
import { asAdministrator } from "./remedies.ts"
import type { Check, Draft, Scene } from "./scene.ts"

const ofForeign = (scene: Scene, store: string, { column, table }: { table: string; column: string }): Draft => {
  const { database, settingsTable } = scene.settings
  const aside = asAdministrator(scene, `ALTER TABLE ${table} RENAME TO ${table}_aside`)
  return {
    severity: "error",
    keys: [],
    ports: [],
    message: `the table ${table} in ${store} is another program's`,
    evidence: `it has no column ${column}`,
    remedy:
      table === settingsTable
        ? `export AUTOMATELINUX_SETTINGS_TABLE=port_${settingsTable}`
        : database._tag === "Sqlite"
          ? `export AUTOMATELINUX_DATABASE_URL=sqlite:${shellWord(join(dirname(database.path), "registry.sqlite"))}`
          : aside
  }
}

/** Every table is there, in the expected shape. A database that nobody has used yet gets its tables at first use. */
export const storeSchema: Check = (scene) =>
  Effect.gen(function* () {
    const store = yield* scene.store
    const { foreign, missing, unused } = yield* scene.condition
    const gone = unused ? [] : missing
    return [
      ...foreign.map((each) => ofForeign(scene, store.label, each)),
      ...gone.map(
        (table): Draft => ({
          severity: "error",
          keys: [],
          ports: [],
          message: `the table ${table} is missing from ${store.label}`,
          evidence: "other tables of the registry are there",
          remedy: "d doctor --fix"
        })
      )
    ]
  })
