/** The kind of a database failure, as far as its fix depends on it. */
export type Fault = "down" | "silent" | "credentials" | "no-database" | "read-only" | "rights" | "other"
