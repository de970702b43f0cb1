import { linkSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, describe, expect, it, onTestFinished } from "vitest"
import { MariaDb, sharedServer } from "../support/mariadb.ts"
import { commitProxy, type RequestFate, replyProxy } from "../support/proxy.ts"
import { withSqlite } from "../support/sqlite.ts"
import { judge } from "./checker.ts"
import { type Client, process as processes } from "./clients.ts"
import { onMariaDb, onSqlite, type PortUsage, Service } from "./environments.ts"
import { BROKEN, clientsOf, disturbed, ENV, judged, serve, times, together } from "./faultRun.ts"
import type { Ask, Attempt } from "./history.ts"
import { Report } from "./report.ts"
import { mixed, RANGES, type Random, randomFrom, runAll, type Script } from "./workload.ts"

/** How often all of it is run. */
const ROUNDS = Number(process.env["ROUNDS"] ?? 1)
const ASKS = 8
/** Processes that ask beside the connections to daemons, each one thing after the other. */
const BESIDE = 8
const LOAD_MS = 2000

const PATIENCE = { AUTOMATELINUX_DATABASE_TIMEOUT: "5 seconds" }
const NEVER = { AUTOMATELINUX_DAEMON: "never" }

const databases: ReadonlyArray<readonly [string, () => Promise<PortUsage>]> = [
  ["SQLite", async () => onSqlite()],
  ["MariaDB", async () => onMariaDb(await sharedServer())]
]

const report = new Report()
afterAll(() => console.log(`\n${report.text}\n`))

/**
 * What an undo may have touched: the file in place may have given its number to another operation than the one that its client
 * knew by it.
 */
const touching = ({ ask, outcome }: Attempt): Ask =>
  ask.command === "undo" && outcome._tag === "Ok"
    ? { ...ask, touches: [...ask.touches, ...(outcome.tookBack?.keys ?? [])] }
    : ask

/** Attempts that were not over at `moment`. One that had begun by then may have met what was there before. */
const from = (moment: number, history: ReadonlyArray<Attempt>): ReadonlyArray<Attempt> =>
  history
    .filter(({ ended }) => ended >= moment)
    .map((attempt) =>
      attempt.began < moment ? { ...attempt, ask: touching(attempt), outcome: { _tag: "Unknown" } } : attempt
    )

/** The mixed load of all `clients`, under keys of their own: so much of it, or until it is `over`. */
const load = (
  clients: ReadonlyArray<Client>,
  name: string,
  seed: number,
  over?: () => boolean,
  history?: Array<Attempt>
) =>
  runAll(
    clients.map((client, index) => {
      const script = mixed(`${name}${index}`, randomFrom(seed + index), over === undefined ? ASKS : undefined)
      return [client, script] as const
    }),
    over,
    history
  )

/** Few keys and few ports for all, so that each change undoes another's. */
const contended = (random: Random, asks: number): Script => {
  let left = asks
  const oneOf = (name: string, count: number) => `${name}${Math.floor(random() * count)}`
  const choose = (): Ask => {
    const dice = random()
    const key = oneOf("shared", 4)
    if (dice < 0.5) {
      return { command: "setPort", key, value: RANGES.special.first + Math.floor(random() * 100), force: false }
    }
    if (dice < 0.65) return { command: "deletePort", key }
    return { command: dice < 0.85 ? "allocate" : "release", app: [oneOf("app", 3)], special: [] }
  }
  return { next: () => (left-- > 0 ? choose() : undefined), tell: () => {} }
}

/** Every global at which the store did something else than it said. */
const HOSTILE = `
  sql_safe_updates = 1, GLOBAL autocommit = 0, GLOBAL completion_type = 'CHAIN', GLOBAL sql_select_limit = 1,
  GLOBAL tx_isolation = 'READ-UNCOMMITTED', GLOBAL innodb_default_row_format = 'compact',
  GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH', GLOBAL init_connect = 'SET NAMES latin1'`

/** Numbers with which proxies answer for a server that they have lost. */
const LIES = [2006, 2013, 2055, 9001, 1105, 3024]

describe.each(times(ROUNDS, (round) => round + 1))("round %i", (round) => {
  const seed = round * 1000

  it.each(["a backup is put in its place", "it is removed"])("SQLite's file: %s under load", async (how) => {
    const world = onSqlite()
    const services = await serve(world, ["alpha"], PATIENCE)
    const [service] = services as [Service]
    const clients = [...clientsOf(services).slice(0, 16), ...times(BESIDE, () => processes(service.box.with(NEVER)))]
    const before = await load(clients, "b", seed)
    const backup = `${world.file}.backup`
    withSqlite(world.file, (database) => database.exec(`VACUUM INTO '${backup}'`))
    let over = false
    const history: Array<Attempt> = []
    const running = load(clients, "m", seed, () => over, history)
    await sleep(LOAD_MS)
    const isRemoved = how === "it is removed"
    if (isRemoved) for (const suffix of ["", "-wal", "-shm"]) rmSync(world.file + suffix, { force: true })
    else renameSync(backup, world.file)
    const moment = performance.now()
    await sleep(2 * LOAD_MS)
    over = true
    await running
    const after = await load(clients, "a", seed)
    const all = [...(isRemoved ? [] : before), ...from(moment, history), ...after]
    const verdict = await judged(all, world, services, BROKEN)
    report.keeps(`SQLite, ${isRemoved ? "file removed" : "backup put in place"}`, verdict)
    expect(after.some(({ outcome }) => outcome._tag === "Ok")).toBe(true)
  })

  it("SQLite's file has a second name", async () => {
    const world = onSqlite()
    const [service] = (await serve(world, ["alpha"], PATIENCE)) as [Service]
    const before = await load(clientsOf([service]), "b", seed)
    const link = join(service.box.home, "ports.sqlite")
    linkSync(world.file, link)
    // Two daemons, each with another name for it, as two containers may have.
    const linked = await serve({ ...world, env: { AUTOMATELINUX_DATABASE_URL: `sqlite:${link}` } }, ["beta"], PATIENCE)
    await service.stop()
    await service.start()
    const then = await load(clientsOf([service, ...linked]), "m", seed)
    rmSync(link)
    const verdict = await judged([...before, ...then], world, [service, ...linked], BROKEN)
    report.keeps("SQLite, two names", verdict)
    expect(verdict.refused).toBeGreaterThan(0)
  })

  it("the shell's environment names another file than the service's", async () => {
    const service = new Service({ ...ENV, ...PATIENCE })
    await service.start()
    const { home } = service.box
    const shell = service.box.with({ XDG_STATE_HOME: join(home, ".state") })
    const ofService = times(8, () => service.client)
    const ofShell = times(BESIDE, () => processes(shell))
    const both = await Promise.all([load(ofService, "d", seed), load(ofShell, "s", seed)])
    await service.stop()
    const alone = await load(ofShell, "t", seed)
    await service.start()
    const again = await Promise.all([load(ofService, "e", seed), load(ofShell, "u", seed)])
    await service.stop()
    const fileIn = (state: string) => onSqlite(join(home, state, "automatelinux/ports.sqlite"))
    const rules = { appRange: RANGES.app, refusals: BROKEN }
    const [served, asked] = [".local/state", ".state"].map((state) => fileIn(state).tables())
    if (served === undefined || asked === undefined) throw new Error("there are two")
    report.keeps("SQLite, service's environment", judge([...both[0], ...again[0]], await served, rules))
    report.keeps("SQLite, shell's environment", judge([...both[1], ...alone, ...again[1]], await asked, rules))
  })

  it("a proxy lies about COMMIT", async () => {
    const server = await sharedServer()
    const random = randomFrom(seed)
    const fates = times(10_000, () =>
      random() < 0.8 ? "pass" : { errno: LIES[Math.floor(random() * LIES.length)] ?? 2013, committed: random() < 0.5 }
    )
    const world = await onMariaDb(server, await commitProxy(server.socket, fates))
    const services = await serve(world, ["alpha", "beta"], PATIENCE)
    report.keeps("MariaDB, lies about COMMIT", await disturbed(world, services, seed, () => sleep(LOAD_MS)))
  })

  it("a server has hostile globals", async () => {
    const server = await MariaDb.start()
    onTestFinished(() => server.kill())
    await server.query(`SET GLOBAL ${HOSTILE}`)
    const world = await onMariaDb(server)
    const services = await serve(world, ["alpha", "beta"])
    const [service] = services as [Service]
    const clients = [...clientsOf(services), ...times(BESIDE, () => processes(service.box.with(NEVER)))]
    const history = await load(clients, "m", seed)
    // Whoever judges sees everything.
    await server.query("SET GLOBAL sql_select_limit = DEFAULT, GLOBAL autocommit = 1, GLOBAL init_connect = ''")
    const verdict = await judged(history, world, services)
    report.keeps("MariaDB, hostile globals", verdict)
    expect(verdict.unknown).toBe(0)
  })

  it.each(databases)("%s: replies are lost, and others change the same meanwhile", async (database, fresh) => {
    const world = await fresh()
    const services = await serve(world, ["alpha"])
    const [service] = services as [Service]
    const random = randomFrom(seed)
    const fateOf = (): RequestFate => {
      const dice = random()
      return dice < 0.5 ? "lost" : dice < 0.7 ? "never" : "pass"
    }
    // So long that others get something done before a client knows that it has lost a reply.
    const way = await replyProxy(service.path, fateOf, () => sleep(100))
    const lossy = service.box.with({ AUTOMATELINUX_PORTS_SOCKET: way })
    const clients = [...times(4, () => service.client), ...times(BESIDE, () => processes(lossy))]
    const asks = (index: number) => (index < 4 ? 30 * ASKS : ASKS)
    const history = await together(clients, (index) => contended(randomFrom(seed + index), asks(index)))
    report.keeps(`${database}, replies lost`, await judged(history, world, services))
  })
})
