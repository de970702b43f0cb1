import { type ChildProcess, spawn } from "node:child_process"
import { onTestFinished } from "vitest"
import { type Database, loadBinding } from "../../src/store/sqlite/binding.ts"

// The driver that the registry uses in this process: two copies of SQLite in one process take each other's locks away.
const { DatabaseSync } = await loadBinding()

/** The file opened past the registry, as another program does. */
export const openSqlite = (path: string): Database => new DatabaseSync(path)

/** Runs `use` on the file opened past the registry. */
export const withSqlite = <A>(path: string, use: (database: Database) => A): A => {
  const database = openSqlite(path)
  try {
    // A daemon may be writing at that moment.
    database.exec("PRAGMA busy_timeout = 5000")
    return use(database)
  } finally {
    database.close()
  }
}

/** SQLite's shell with the file open, which has said `held` after it ran `statements`, until the test is over. */
export const holdSqlite = (path: string, statements: string): Promise<ChildProcess> =>
  new Promise((done) => {
    const child = spawn("sqlite3", [path], { stdio: ["pipe", "pipe", "inherit"] })
    onTestFinished(() => void child.kill("SIGKILL"))
    child.stdout.on("data", (chunk) => {
      if (String(chunk).includes("held")) done(child)
    })
    child.stdin.write(`${statements}; SELECT 'held';\n`)
  })
