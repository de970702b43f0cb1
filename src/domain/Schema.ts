/** How the tables of a database are, against what is expected. */
export interface SchemaCondition {
  /** There is none of the registry's own tables: nobody has used it yet. */
  readonly unused: boolean
  readonly missing: ReadonlyArray<string>
  /** Tables of that name that have not the expected columns: somebody else's. */
  readonly foreign: ReadonlyArray<{ readonly table: string; readonly column: string }>
}
