import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { PortsConfig } from "../config/Config.ts"
import type { Mysql } from "../config/databaseUrl.ts"
import { Unavailable } from "../domain/errors.ts"
import { Driver } from "./Driver.ts"
import { labelOf } from "./databaseLabel.ts"

const importMysql = (database: Mysql) =>
  Effect.tryPromise({
    try: () => import("./mysql/driver.ts"),
    catch: (cause) =>
      new Unavailable({
        store: labelOf(database),
        fault: "other",
        reason: `its driver cannot be loaded: ${(cause as Error).message.split("\n")[0]}`,
        hint: "run it again if d is being installed; otherwise install d again"
      })
  })

/**
 * Loads the driver of the configured database. A daemon does so when it starts, because later its files may be gone, or
 * belong to another version.
 */
export const loadDriver = Effect.gen(function* () {
  const { database } = yield* PortsConfig
  if (database._tag === "Mysql") yield* importMysql(database)
  else yield* (yield* Effect.promise(() => import("./sqlite/driver.ts"))).load(database)
})

/** The configured database. It connects when it is first used, so only loading the driver can fail here. */
export const databaseLayer = Layer.scopedContext(
  Effect.gen(function* () {
    const { database, databaseTimeout, settingsTable } = yield* PortsConfig
    const { driver, sql } = yield* database._tag === "Mysql"
      ? Effect.flatMap(importMysql(database), ({ make }) => make(database, settingsTable, databaseTimeout))
      : Effect.flatMap(
          Effect.promise(() => import("./sqlite/driver.ts")),
          ({ make }) => make(database, databaseTimeout)
        )
    return Context.make(SqlClient.SqlClient, sql).pipe(Context.add(Driver, driver))
  })
).pipe(Layer.provide(Reactivity.layer))
