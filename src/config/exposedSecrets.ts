import { type Stats, statSync } from "node:fs"
import type { PortsConfig } from "./Config.ts"

/** A file with the password of the database that others may read, too. */
export interface ExposedSecret {
  readonly file: string
  readonly readers: "everyone" | "the file's group"
  /** As chmod takes it. */
  readonly mode: string
  /** Whether it belongs to this user. */
  readonly own: boolean
}

/** A group that has the number of the owner is the owner's own. */
const readersOf = ({ gid, mode, uid }: Stats): ExposedSecret["readers"] | undefined =>
  mode & 0o004 ? "everyone" : mode & 0o040 && gid !== uid ? "the file's group" : undefined

const exposed = (file: string): ReadonlyArray<ExposedSecret> => {
  const stats = statSync(file, { throwIfNoEntry: false })
  const readers = stats && readersOf(stats)
  if (stats === undefined || readers === undefined) return []
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0")
  return [{ file, readers, mode, own: [stats.uid, 0].includes(process.getuid?.() ?? stats.uid) }]
}

/** Returns the files with the password of the database that others may read. */
export const exposedSecrets = ({
  database,
  file,
  fromFile
}: Pick<typeof PortsConfig.Service, "database" | "file" | "fromFile">): ReadonlyArray<ExposedSecret> => {
  if (database._tag === "Sqlite") return []
  const inSettings = database.password !== undefined && fromFile.has("databaseUrl") ? [file] : []
  const inFile = database.passwordFile === undefined ? [] : [database.passwordFile]
  try {
    return [...inSettings, ...inFile].flatMap(exposed)
  } catch {
    // A directory on the way that this user may not enter: whoever may is not known.
    return []
  }
}
