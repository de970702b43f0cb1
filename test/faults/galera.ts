import { spawnSync } from "node:child_process"
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { userInfo } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freshData, queryAt, type Row, Server } from "../support/mariadb.ts"
import { isRoot, NOBODY } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"

const PROVIDER = ["/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so"].find(existsSync) ?? ""

/** A node that is started copies what it has missed from another first; one that was killed once took a minute. */
const START_LIMIT_MS = 120_000

const LOOPBACK = "127.0.0.1"

/** So many free ports, apart from each other. */
const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((done) => {
          const server = createServer().listen(0, LOOPBACK, () => done(server))
        })
    )
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  return ports
}

const ownedByNobody = (path: string): void => {
  chownSync(path, NOBODY, NOBODY)
  for (const entry of readdirSync(path, { recursive: true, encoding: "utf8" }))
    chownSync(join(path, entry), NOBODY, NOBODY)
}

interface Ports {
  readonly sql: number
  readonly group: number
  readonly ist: number
  readonly sst: number
}

/** Sooner than by default, so that a trial does not consist of waiting. */
const NOTICING =
  "evs.keepalive_period=PT0.5S;evs.inactive_check_period=PT0.5S;evs.suspect_timeout=PT3S;evs.inactive_timeout=PT6S;evs.install_timeout=PT6S"

/** One server of a Galera cluster. */
export class Node {
  readonly directory = temporary()
  readonly socket = join(this.directory, "s")
  readonly port: number
  private readonly args: ReadonlyArray<string>
  private server: Server | undefined
  private pid = 0

  constructor(name: string, ports: Ports, group: ReadonlyArray<number>) {
    this.port = ports.sql
    freshData(join(this.directory, "data"))
    mkdirSync(join(this.directory, "tmp"))
    // The transfer of a whole state is refused to root.
    if (isRoot) ownedByNobody(this.directory)
    this.args = [
      "--no-defaults",
      `--user=${isRoot ? "nobody" : userInfo().username}`,
      `--datadir=${this.directory}/data`,
      `--tmpdir=${this.directory}/tmp`,
      `--socket=${this.socket}`,
      `--port=${this.port}`,
      `--bind-address=${LOOPBACK}`,
      "--innodb-log-file-size=8M",
      "--innodb-buffer-pool-size=16M",
      "--key-buffer-size=1M",
      "--aria-pagecache-buffer-size=1M",
      "--binlog-format=ROW",
      "--innodb-autoinc-lock-mode=2",
      `--log-error=${this.directory}/log.err`,
      "--wsrep-on=ON",
      `--wsrep-provider=${PROVIDER}`,
      "--wsrep-cluster-name=faults",
      `--wsrep-cluster-address=gcomm://${group.map((port) => `${LOOPBACK}:${port}`).join(",")}`,
      `--wsrep-node-name=${name}`,
      `--wsrep-node-address=${LOOPBACK}:${ports.group}`,
      // As docs/operations.md says.
      "--wsrep-sync-wait=1",
      "--wsrep-sst-method=rsync",
      `--wsrep-sst-receive-address=${LOOPBACK}:${ports.sst}`,
      `--wsrep-provider-options=gmcast.listen_addr=tcp://${LOOPBACK}:${ports.group};ist.recv_addr=${LOOPBACK}:${ports.ist};pc.recovery=true;gcache.size=32M;${NOTICING}`
    ]
  }

  /** Starts the server; `first` makes a new cluster. Does not wait for it. */
  start(...more: ReadonlyArray<string>): void {
    const server = new Server([...this.args, ...more])
    void server.pid.then((pid) => {
      this.pid = pid
    })
    this.server = server
  }

  /** Starts it where it was when it crashed. */
  startAgain(): void {
    // It tells that on standard error, or in its log.
    const { stderr } = spawnSync("mariadbd", [...this.args, "--wsrep-recover"], { encoding: "utf8" })
    const told = stderr + readFileSync(`${this.directory}/log.err`, "utf8")
    const position = [...told.matchAll(/Recovered position:\s*(\S+)/g)].at(-1)?.[1]
    if (position === undefined) throw new Error(`no position was recovered: ${stderr}`)
    this.start(`--wsrep-start-position=${position}`)
  }

  query(sql: string, values: ReadonlyArray<unknown> = [], database?: string): Promise<ReadonlyArray<Row>> {
    return queryAt(this.socket, sql, values, database)
  }

  /** Waits until it has everything and takes part. */
  async synced(limit = START_LIMIT_MS): Promise<void> {
    for (const until = Date.now() + limit; ; await sleep(100)) {
      const state = await this.query("SHOW STATUS LIKE 'wsrep_local_state_comment'").catch(() => [])
      if (state[0]?.["Value"] === "Synced") return
      if (Date.now() > until) {
        const log = readFileSync(`${this.directory}/log.err`, "utf8").split("\n").slice(-40).join("\n")
        throw new Error(`the node did not join: ${log}`)
      }
    }
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal)
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    const { server } = this
    this.server = undefined
    await server?.kill()
  }
}

/** Three servers that are one. */
const startCluster = async (): Promise<ReadonlyArray<Node>> => {
  const ports = await freePorts(12)
  const port = (index: number) => ports[index] ?? 0
  const group = [0, 1, 2].map(port)
  const nodes = [0, 1, 2].map(
    (index) =>
      new Node(
        `node${index}`,
        { group: port(index), sql: port(3 + index), ist: port(6 + index), sst: port(9 + index) },
        group
      )
  )
  for (const [index, node] of nodes.entries()) {
    node.start(...(index === 0 ? ["--wsrep-new-cluster"] : []))
    await node.synced()
  }
  return nodes
}

/** How long nodes that were down have to find the others, until somebody must help. */
const BY_ITSELF_MS = 30_000

/** Waits until all take part, after most of them were down and `survivor` was not. */
export const reunited = async (nodes: ReadonlyArray<Node>, survivor: Node): Promise<void> => {
  const all = (limit?: number) => Promise.all(nodes.map((node) => node.synced(limit)))
  await all(BY_ITSELF_MS).catch(async () => {
    console.log(
      "the nodes do not find together by themselves: the survivor is told to go on, as docs/operations.md says"
    )
    await survivor.query("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'")
    await all()
  })
}

/** The nodes, if all take part; otherwise others. */
export const wholeCluster = async (nodes: ReadonlyArray<Node>): Promise<ReadonlyArray<Node>> => {
  const whole = await Promise.all(nodes.map((node) => node.synced(BY_ITSELF_MS))).then(
    (all) => all.length > 0,
    () => false
  )
  if (whole) return nodes
  await Promise.all(nodes.map((node) => node.kill()))
  return startCluster()
}
