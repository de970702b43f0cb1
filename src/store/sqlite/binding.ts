import type { DatabaseSyncInstance, SqliteModule, StatementSyncInstance } from "@photostructure/sqlite"

/** The part of `node:sqlite` that both drivers provide. */
interface SqliteBinding extends Pick<SqliteModule, "DatabaseSync"> {
  /** Whether SQLite keeps a closed database open until its prepared statements are garbage-collected. */
  readonly closesLate: boolean
}
export type Database = DatabaseSyncInstance
export type Statement = StatementSyncInstance

/** Neither driver can be loaded; the message says why. */
export class DriverMissing extends Error {}

/** Makes SQLite really close databases that a driver closes late. Takes about 10 ms. */
export const collectGarbage = async (): Promise<void> => {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import("node:v8"), import("node:vm")])
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  for (let round = 0; round < 2; round++) {
    collect()
    await new Promise((done) => setImmediate(done))
  }
}

/** Node's own SQLite, or `undefined` if this Node has none (before 22.13, or built without it). */
const builtIn = (): SqliteModule | undefined => {
  // Some versions of Node warn on standard error that it is experimental.
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule?.("node:sqlite") as SqliteModule | undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Loads the SQLite driver: Node's own, otherwise the prebuilt one. Rejects with DriverMissing if there is neither. */
export const loadBinding = async (): Promise<SqliteBinding> => {
  try {
    const own = builtIn()
    if (own !== undefined) return { DatabaseSync: own.DatabaseSync, closesLate: false }
    const { DatabaseSync } = await import("@photostructure/sqlite")
    return { DatabaseSync, closesLate: true }
  } catch (cause) {
    throw new DriverMissing(cause instanceof Error ? cause.message.split("\n")[0] : String(cause), { cause })
  }
}
