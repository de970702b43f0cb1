import type { DatabaseSyncInstance, SqliteModule, StatementSyncInstance } from "@photostructure/sqlite"

/** What both drivers have in common with `node:sqlite`. */
export type Driver = Pick<SqliteModule, "DatabaseSync">
export type Database = DatabaseSyncInstance
export type Statement = StatementSyncInstance

/** Neither driver can be loaded; the message says why. */
export class DriverMissing extends Error {}

/** Node's own SQLite, or `undefined` if this Node has none (before 22.13, or built without it). */
const builtIn = (): Driver | undefined => {
  // Some versions warn on standard error that it is experimental.
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule?.("node:sqlite") as Driver | undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Loads the SQLite driver: Node's own, otherwise the prebuilt one. Rejects with DriverMissing if there is neither. */
export const loadDriver = async (): Promise<Driver> => {
  try {
    return builtIn() ?? (await import("@photostructure/sqlite"))
  } catch (cause) {
    throw new DriverMissing(cause instanceof Error ? cause.message.split("\n")[0] : String(cause), { cause })
  }
}
