/** A version of the registry's tables. */
export interface SchemaVersion {
  readonly version: number
  /** The first `d` that knows it, if that is stored. */
  readonly since: string | undefined
}

/** How the tables of a database are, against what is expected. */
export interface SchemaStatus {
  /** There is none of the registry's own tables: nobody has used it yet. */
  readonly unused: boolean
  readonly missing: ReadonlyArray<string>
  /** Tables of that name that have not the expected columns: somebody else's. */
  readonly foreign: ReadonlyArray<{ readonly table: string; readonly column: string }>
  /** The version of the tables that are there. */
  readonly stored: SchemaVersion
  /** The one that this program makes. */
  readonly known: SchemaVersion
}
