import { type ChildProcess, spawn } from "node:child_process"
import { cpSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { userInfo } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import mysql from "mysql2/promise"
import { endWithFile } from "./ends.ts"
import { flavour } from "./flavour.ts"
import { once, ROOT, temporary } from "./root.ts"

export type Row = Record<string, unknown>

const TEMPLATE = join(ROOT, "template")

/** Puts the data of a new server at `directory`. The first one installs MariaDB if it is missing. */
export const freshData = (directory: string): void => {
  once(`installation of ${flavour.name}`, () => flavour.initialize(TEMPLATE))
  cpSync(TEMPLATE, directory, { recursive: true })
}

/** A port outside everything that the tests allocate. */
const freePort = (): Promise<number> =>
  new Promise((done, fail) => {
    const server = createServer()
    server.once("error", fail)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })

/** A server that runs until it is killed, or until this process is gone, however it went. */
export class Server {
  private readonly watcher: ChildProcess
  /** The server's own process. */
  readonly pid: Promise<number>

  constructor(args: ReadonlyArray<string>) {
    // The shell ends the server when the pipe that it reads from ends.
    const script = `trap "" INT TERM HUP; "$@" & echo $!; cat; kill -9 $!`
    const watcher = spawn("bash", ["-c", script, "watch", ...flavour.command, ...args], {
      stdio: ["pipe", "pipe", "ignore"],
      detached: true
    })
    watcher.unref()
    this.watcher = watcher
    this.pid = new Promise((done) => watcher.stdout.once("data", (text) => done(Number(text))))
  }

  /** Ends it at once, as a crash would, and waits until it is gone. */
  async kill(): Promise<void> {
    const { watcher } = this
    const gone = new Promise((done) => watcher.once("close", done))
    watcher.stdin?.end()
    await gone
  }
}

/** Runs SQL as the administrator of the server at `socketPath`. */
export const queryAt = async (
  socketPath: string,
  sql: string,
  values: ReadonlyArray<unknown> = [],
  database?: string
): Promise<ReadonlyArray<Row>> => {
  const connection = await mysql.createConnection({
    socketPath,
    user: "root",
    multipleStatements: true,
    connectTimeout: 2000,
    ...(database === undefined ? {} : { database })
  })
  try {
    const [rows] = await connection.query(sql, [...values])
    return rows as ReadonlyArray<Row>
  } finally {
    connection.destroy()
  }
}

/** A server of the test's own: MariaDB, or MySQL where `flavour` is. */
export class MariaDb {
  readonly directory = temporary()
  readonly socket = join(this.directory, "s")
  private server: Server | undefined
  /** The server's own process. */
  pid = 0

  readonly port: number
  private readonly options: ReadonlyArray<string>

  private constructor(port: number, options: ReadonlyArray<string>) {
    this.port = port
    this.options = options
  }

  /** A new server from the template, with these options besides. */
  static async start(...options: ReadonlyArray<string>): Promise<MariaDb> {
    const server = new MariaDb(await freePort(), options)
    freshData(join(server.directory, "data"))
    await server.restart()
    return server
  }

  /** Starts the server on the data it has, and waits until it answers. */
  async restart(): Promise<void> {
    const args = [
      "--no-defaults",
      `--user=${userInfo().username}`,
      `--datadir=${this.directory}/data`,
      `--socket=${this.socket}`,
      // A server that starts removes what it finds of temporary tables, also another's.
      `--tmpdir=${this.directory}`,
      `--port=${this.port}`,
      "--bind-address=127.0.0.1",
      "--innodb-buffer-pool-size=16M",
      ...flavour.options,
      `--log-error=${this.directory}/log.err`,
      ...this.options
    ]
    this.server = new Server(args)
    this.pid = await this.server.pid
    for (let attempt = 0; ; attempt++) {
      try {
        await this.query("SELECT 1")
        return
      } catch (error) {
        if (attempt === 200)
          throw new Error(`the server did not start: ${readFileSync(`${this.directory}/log.err`, "utf8")}`, {
            cause: error
          })
        await sleep(50)
      }
    }
  }

  /** Runs SQL as the administrator. */
  query(sql: string, values: ReadonlyArray<unknown> = [], database?: string): Promise<ReadonlyArray<Row>> {
    return queryAt(this.socket, sql, values, database)
  }

  /** Ends what `user` is connected with. */
  async killConnections(user: string): Promise<void> {
    for (const { ID } of await this.query("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = ?", [user]))
      await this.query(`KILL ${ID}`)
  }

  /** An empty database with a user of its own. Answers the URL, over the socket. */
  async database(name = "ports", collation = flavour.collation): Promise<string> {
    await this.query(
      `CREATE DATABASE ${name} COLLATE ${collation}; CREATE USER IF NOT EXISTS 'ports'@'%' IDENTIFIED BY 'secret'; GRANT ALL ON ${name}.* TO 'ports'@'%'`
    )
    await flavour.prepareLogin(this.socket, "ports", "secret")
    return `mysql://ports:secret@localhost/${name}?socket=${this.socket}`
  }

  /** The same database over TCP. */
  overTcp(name = "ports"): string {
    return `mysql://ports:secret@127.0.0.1:${this.port}/${name}`
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal)
  }

  /** Ends the server at once, as a crash would, and waits until it is gone. */
  async kill(): Promise<void> {
    const { server } = this
    this.server = undefined
    await server?.kill()
  }
}

let started: Promise<MariaDb> | undefined

/** The server that the tests of one file share, ended with them. */
export const sharedServer = (...options: ReadonlyArray<string>): Promise<MariaDb> => {
  if (started === undefined) {
    const starting = MariaDb.start(...options)
    started = starting
    endWithFile(async () => {
      started = undefined
      await (await starting).kill()
    })
  }
  return started
}
