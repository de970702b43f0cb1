/** A version of the registry's tables. */
export interface SchemaVersion {
  readonly version: number
  /** The first version of `d` that supports it, if that is stored. */
  readonly since: string | undefined
}

/** The tables of a database, compared with the expected ones. */
export interface SchemaStatus {
  /** The registry has no tables of its own yet, so it was never used. */
  readonly unused: boolean
  readonly missing: ReadonlyArray<string>
  /** Tables with a name of ours but without an expected column: another program's. */
  readonly foreign: ReadonlyArray<{ readonly table: string; readonly column: string }>
  /** The version of the existing tables. */
  readonly stored: SchemaVersion
  /** The version that this program creates. */
  readonly known: SchemaVersion
}
