import { execFileSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { userInfo } from "node:os"
import { join } from "node:path"
import { createConnection } from "mysql2/promise"
import { ensure } from "./programs.ts"
import { ROOT } from "./root.ts"

/** What differs between the servers that the suites run on. */
export interface Flavour {
  readonly name: "MariaDB" | "MySQL"
  /** The command that starts the server. */
  readonly command: ReadonlyArray<string>
  readonly options: ReadonlyArray<string>
  /** Puts the data of a new server, with a root that has no password, at `directory`. */
  readonly initialize: (directory: string) => void
  /** The collation of the tables that `d` makes. */
  readonly own: string
  /** The command that starts a client of the server's own, as a shell reads it. */
  readonly client: (program: string) => string
  /** The collation of a database whose creator names none. */
  readonly collation: string
  /**
   * Lets an account log in through a proxy between TCP and the socket. MySQL asks for the password in one way over TCP and
   * in another at its socket, unless it has the account in its cache.
   */
  readonly prepareLogin: (socketPath: string, user: string, password: string) => Promise<void>
}

const user = `--user=${userInfo().username}`
const env = { ...process.env, TMPDIR: ROOT }

const MARIADB: Flavour = {
  name: "MariaDB",
  command: ["mariadbd"],
  options: ["--innodb-log-file-size=4M", "--key-buffer-size=1M", "--aria-pagecache-buffer-size=1M"],
  initialize: (directory) => {
    ensure(
      ["mariadbd", "mariadb-install-db", "my_print_defaults", "mariadb", "mariadb-dump"],
      ["mariadb-server-core", "mariadb-client"]
    )
    execFileSync(
      "mariadb-install-db",
      ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", `--datadir=${directory}`, user],
      { stdio: ["ignore", "ignore", "inherit"], env }
    )
  },
  client: (program) => program,
  own: "utf8mb4_nopad_bin",
  collation: "utf8mb4_general_ci",
  prepareLogin: async () => {}
}

/**
 * MySQL as test/mysql.mjs unpacks it into `root`: with every library it needs, also the C library, so that it also runs
 * on a system with older ones. That takes the loader of that C library.
 */
const mysql = (root: string): Flavour => {
  const libraries = join(
    root,
    "usr/lib",
    readdirSync(join(root, "usr/lib")).find((name) => name.endsWith("-gnu")) ?? ""
  )
  const loader = join(libraries, readdirSync(libraries).find((name) => name.startsWith("ld-linux")) ?? "")
  const command = [loader, "--library-path", libraries, join(root, "usr/sbin/mysqld")]
  const options = [`--basedir=${root}/usr`, "--secure-file-priv=NULL", "--mysqlx=OFF", "--performance-schema=OFF"]
  return {
    name: "MySQL",
    command,
    options,
    initialize: (directory) => {
      const [program = "", ...words] = command
      const log = `--log-error=${join(ROOT, "initialize.log")}`
      const more = [...options, log, user, `--datadir=${directory}`]
      execFileSync(program, [...words, "--no-defaults", "--initialize-insecure", ...more], { stdio: "ignore", env })
    },
    client: (program) => [loader, "--library-path", libraries, join(root, "usr/bin", program)].join(" "),
    own: "utf8mb4_0900_bin",
    collation: "utf8mb4_0900_ai_ci",
    prepareLogin: async (socketPath, user, password) =>
      void (await (await createConnection({ socketPath, user, password })).end())
  }
}

const UNPACKED = process.env["PORTS_TEST_MYSQL"]

/** MariaDB, or Oracle's MySQL with `npm run test:mysql`. */
export const flavour: Flavour = UNPACKED === undefined ? MARIADB : mysql(UNPACKED)

export const isMySql = flavour.name === "MySQL"
