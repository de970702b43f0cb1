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

/** Whether a driver takes the URI of a file for its name: Node's own does from 22.15 on. */
const takesUris = ({ DatabaseSync }: SqliteModule): boolean => {
  try {
    // A driver that does not looks for a file in the directory `file:`.
    new DatabaseSync("file:/?mode=memory", { readOnly: true }).close()
    return true
  } catch {
    return false
  }
}

let loaded: SqliteBinding | undefined

/** Returns the driver that was loaded last. */
export const loadedBinding = (): SqliteBinding | undefined => loaded

/**
 * Loads the SQLite driver: Node's own, otherwise the prebuilt one; only one that takes URIs if `need` says so. Rejects
 * with DriverMissing if there is none.
 */
export const loadBinding = async (need: "any" | "URIs" = "any"): Promise<SqliteBinding> => {
  try {
    const own = builtIn()
    loaded =
      own !== undefined && (need === "any" || takesUris(own))
        ? { DatabaseSync: own.DatabaseSync, closesLate: false }
        : { DatabaseSync: (await import("@photostructure/sqlite")).DatabaseSync, closesLate: true }
    return loaded
  } catch (cause) {
    throw new DriverMissing(cause instanceof Error ? cause.message.split("\n")[0] : String(cause), { cause })
  }
}
