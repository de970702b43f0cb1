/** A kind of database that a suite runs on. */
export interface TestDatabase {
  readonly name: string
  /** The variables that point a program with an empty home to an empty database of this kind. */
  readonly fresh: () => Promise<Readonly<Record<string, string>>>
}

export const sqlite: TestDatabase = { name: "SQLite", fresh: async () => ({}) }
