import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { PortsConfig } from "../config.ts"

/** The database that is configured; its driver is loaded only here. */
export const databaseLayer = Layer.unwrapEffect(
  Effect.gen(function* () {
    const { database, patience } = yield* PortsConfig
    if (database._tag === "Sqlite") {
      const sqlite = yield* Effect.promise(() => import("./sqlite.ts"))
      return sqlite.layer(database, patience)
    }
    const mysql = yield* Effect.promise(() => import("./mysql.ts"))
    return mysql.layer(database, patience)
  })
)
