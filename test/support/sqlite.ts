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

/** A process that has said `held`, until the test is over. */
const holding = (command: string, args: ReadonlyArray<string>, input: string): Promise<ChildProcess> =>
  new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] })
    child.on("close", (code) => fail(new Error(`${command} ended with ${code}`)))
    onTestFinished(() => void child.kill("SIGKILL"))
    child.stdout.on("data", (chunk) => {
      if (String(chunk).includes("held")) done(child)
    })
    child.stdin.write(input)
  })

/** SQLite's shell with the file open, which has said `held` after it ran `statements`, until the test is over. */
export const holdSqlite = (path: string, statements: string): Promise<ChildProcess> =>
  holding("sqlite3", [path], `${statements}; SELECT 'held';\n`)

/** Takes the lock of a reader (SHARED_FIRST in SQLite's os_unix.c), as a struct flock of a 64-bit system. */
const LOCK = `
use Fcntl;
open(my $file, "+<", $ARGV[0]) or die $!;
my $lock = pack("s s x4 q q i x4", F_RDLCK, 0, 0x40000002, 510, 0);
fcntl($file, F_SETLK, $lock) or die $!;
$| = 1;
print "held\n";
<STDIN>`

/** A process that has the lock of a reader on the database, and nothing else of it open, until the test is over. */
export const holdLock = (path: string): Promise<ChildProcess> => holding("perl", ["-e", LOCK, path], "")
