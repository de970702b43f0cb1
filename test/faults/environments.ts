import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "vitest"
import { type Daemon, type Machine, machine, startDaemon } from "../support/cli.ts"
import type { MariaDb, Row } from "../support/mariadb.ts"
import { temporary } from "../support/root.ts"
import { openSqlite } from "../support/sqlite.ts"
import { type Client, kept, type Query } from "./clients.ts"
import type { Node } from "./galera.ts"
import type { Tables } from "./history.ts"

/** A registry on some database, and what it holds. */
export interface PortUsage {
  readonly env: Readonly<Record<string, string>>
  /** Waits until nobody is at work any more, and reads. */
  readonly tables: () => Promise<Tables>
}

/** Keeps no claims and no history: for an allocator that has none. */
export const readPorts = async (query: Query): Promise<Tables> => {
  const rows = await query("SELECT setting_key AS k, setting_value AS v FROM settings")
  return {
    ports: new Map(rows.map(({ k, v }) => [String(k).slice("port_".length), Number(v)])),
    claims: undefined,
    done: undefined
  }
}

export const readTables = async (query: Query): Promise<Tables> => ({
  ...(await readPorts(query)),
  claims: new Map(
    (await query("SELECT port, claim_key FROM port_claims")).map((row) => [
      Number(row["port"]),
      String(row["claim_key"])
    ])
  ),
  done: (await query('SELECT what, "key" AS k FROM port_history')).map((row) => ({
    what: String(row["what"]),
    key: String(row["k"])
  }))
})

export const onSqlite = (file = join(temporary(), "ports.sqlite")): PortUsage & { readonly file: string } => {
  return {
    file,
    env: { AUTOMATELINUX_DATABASE_URL: `sqlite:${file}` },
    tables: async () => {
      const database = openSqlite(file)
      try {
        return await readTables(async (sql) => database.prepare(sql).all() as ReadonlyArray<Row>)
      } finally {
        database.close()
      }
    }
  }
}

let databases = 0

/** `via` is where to go instead of to the server itself: a port of a proxy on this machine. */
export const onMariaDb = async (server: MariaDb, via?: number): Promise<PortUsage & { readonly name: string }> => {
  const name = `faults${++databases}`
  await server.database(name)
  const url = server.overTcp(name)
  return {
    name,
    env: { AUTOMATELINUX_DATABASE_URL: via === undefined ? url : url.replace(`:${server.port}`, `:${via}`) },
    tables: async () => {
      await quiet(server)
      return readTables((sql) => server.query(`SET sql_mode = 'ANSI_QUOTES'; ${sql}`, [], name).then(last))
    }
  }
}

const last = (results: ReadonlyArray<Row>): ReadonlyArray<Row> => results.at(-1) as unknown as ReadonlyArray<Row>

/** What decides how long a cluster is waited for: it takes some seconds to find out that a node is gone. */
const CLUSTER_LIMITS = "?connectTimeout=2&lockTimeout=5&statementTimeout=5"

export const onCluster = async (nodes: ReadonlyArray<Node>) => {
  const [first] = nodes
  if (first === undefined) throw new Error("a cluster has nodes")
  const name = `faults${++databases}`
  await first.query(
    `CREATE DATABASE ${name}; CREATE USER IF NOT EXISTS 'ports'@'%' IDENTIFIED BY 'secret'; GRANT ALL ON ${name}.* TO 'ports'@'%'`
  )
  const read = (node: Node) => {
    const query = (sql: string) =>
      node.query(`SET sql_mode = 'ANSI_QUOTES', wsrep_sync_wait = 1; ${sql}`, [], name).then(last)
    return readTables(query)
  }
  return {
    env: {},
    /** Each host names another node first, and all of them or only one. */
    envOf: (host: number, named = nodes.length): Readonly<Record<string, string>> => {
      const all = nodes.map((_, index) => `127.0.0.1:${nodes[(host + index) % nodes.length]?.port}`)
      const order = all.slice(0, named)
      return {
        AUTOMATELINUX_DATABASE_URL: `mysql://ports:secret@${order.join(",")}/${name}${CLUSTER_LIMITS}`,
        AUTOMATELINUX_DATABASE_TIMEOUT: "30 seconds"
      }
    },
    /** How many ports a node knows of, whatever it has yet to do. */
    rowsAt: async (node: Node): Promise<number> => {
      const answers = await node.query("SET wsrep_sync_wait = 0; SELECT setting_key FROM settings", [], name)
      return last(answers).length
    },
    /** All nodes must hold the same. */
    tables: async () => {
      const readAll = async () => {
        for (const node of nodes) {
          await node.synced()
          await quiet(node)
        }
        return Promise.all(nodes.map(read))
      }
      // One that was stopped takes itself for synchronous until it hears what it has missed.
      const [one, ...others] = await readAll().catch(() => sleep(QUIET_LIMIT_MS / 6).then(readAll))
      if (one === undefined) throw new Error("a cluster has nodes")
      for (const other of others) expect(other).toEqual(one)
      return one
    }
  }
}

const QUIET_LIMIT_MS = 60_000

/** A server goes on with what it was told, also when who told it is gone. */
export const quiet = async (server: Pick<MariaDb, "query">): Promise<void> => {
  const busy = "SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'ports'"
  // A node that has just come back may not answer yet.
  const ask = () => server.query(busy).then((found) => found.length, String)
  for (const until = Date.now() + QUIET_LIMIT_MS; ; await sleep(50)) {
    const found = await ask()
    if (found === 0) return
    if (Date.now() > until) throw new Error(`somebody is still at work: ${found}`)
  }
}

/** A daemon that can be killed and started again where it was. */
export class Service {
  private daemon: Daemon | undefined
  readonly box: Machine

  constructor(env: Readonly<Record<string, string>>) {
    this.box = machine(env)
  }

  get client(): Client {
    return kept(this.path)
  }

  get path(): string {
    return this.box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
  }

  get pid(): number {
    return this.daemon?.pid ?? 0
  }

  async start(): Promise<void> {
    this.daemon = await startDaemon(this.box)
  }

  signal(signal: NodeJS.Signals): void {
    this.daemon?.signal(signal)
  }

  /** No file that it writes may become longer than so many bytes. */
  limitFiles(bytes: number | "unlimited"): void {
    const { status, stderr } = spawnSync("prlimit", ["--pid", String(this.pid), `--fsize=${bytes}:`])
    if (status !== 0) throw new Error(`prlimit: ${stderr}`)
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.daemon?.stop(signal)
  }
}
