import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { PortsConfig } from "../config/Config.ts"
import { Unavailable } from "../domain/errors.ts"
import { labelOf } from "./databaseLabel.ts"

/**
 * Loads the driver of the database that is configured, and nothing of the other. A daemon does so when it starts: later the
 * files may be gone, or another version's.
 */
export const loadDatabase = Effect.gen(function* () {
  const { database, databaseTimeout, settingsTable } = yield* PortsConfig
  if (database._tag === "Sqlite") {
    const sqlite = yield* Effect.promise(() => import("./sqlite/driver.ts"))
    yield* sqlite.load(database)
    return sqlite.layer(database, databaseTimeout)
  }
  const mysql = yield* Effect.tryPromise({
    try: () => import("./mysql/driver.ts"),
    catch: (cause) =>
      new Unavailable({
        store: labelOf(database),
        fault: "other",
        reason: `its driver cannot be loaded: ${(cause as Error).message.split("\n")[0]}`,
        hint: "run it again if d is being installed; otherwise install d again"
      })
  })
  return mysql.layer(database, settingsTable, databaseTimeout)
})

export const databaseLayer = Layer.unwrapEffect(loadDatabase)
