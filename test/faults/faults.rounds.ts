import { statSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, describe, expect, it, onTestFinished } from "vitest"
import { machine } from "../support/cli.ts"
import { MariaDb, sharedServer } from "../support/mariadb.ts"
import { commitProxy } from "../support/proxy.ts"
import { temporary } from "../support/root.ts"
import { judge } from "./checker.ts"
import { type Client, NAIVE_TABLE, naive, overMysql, overSqlite, process as processes, type Query } from "./clients.ts"
import { onMariaDb, onSqlite, type PortUsage, readPorts, type Service } from "./environments.ts"
import { BROKEN, CLIENTS, clientsOf, disturbed, ENV, expectLowest, judged, serve, times, together } from "./faultRun.ts"
import type { Attempt } from "./history.ts"
import { overRegistry } from "./registryClient.ts"
import { Report } from "./report.ts"
import { allocate, listed, mixed, RANGES, randomFrom } from "./workload.ts"

/** How often all of it is run. */
const ROUNDS = Number(process.env["ROUNDS"] ?? 1)

const PAIRS = 7
const ASKS = 10
const FOUR_HOSTS = ["alpha", "beta", "gamma", "delta"]

/** The limit on everything of the database, and a time that is longer than it and whatever follows from it. */
const PATIENCE = { AUTOMATELINUX_DATABASE_TIMEOUT: "2 seconds" }
const PAST_EVERY_TIMEOUT_MS = 4500

const databases: ReadonlyArray<readonly [string, () => Promise<PortUsage>]> = [
  ["SQLite", async () => onSqlite()],
  ["MariaDB", async () => onMariaDb(await sharedServer())]
]

const report = new Report()
afterAll(() => console.log(`\n${report.text}\n`))

/** 32 clients times 7 pairs: nothing is refused and no place left out. Then everything mixed. */
const manyWriters = async (clients: ReadonlyArray<Client>, seed: number, pairs = PAIRS, asks = ASKS) => {
  const first = await together(clients, (index) => listed(times(pairs, (each) => allocate(`w${index}x${each}`))))
  expectLowest(first, pairs)
  const then = await together(clients, (index) => mixed(`u${index}`, randomFrom(seed + index), asks))
  return [...first, ...then]
}

describe.each(times(ROUNDS, (round) => round + 1))("round %i", (round) => {
  const seed = round * 1000

  const caught = async (trial: string, queries: ReadonlyArray<Query>) => {
    const [query] = queries
    if (query === undefined) throw new Error("nobody asks")
    await query(NAIVE_TABLE)
    const clients = queries.map((each) => naive(each, RANGES.app.first))
    const history = await together(clients, (index) => listed(times(PAIRS, (each) => allocate(`w${index}x${each}`))))
    const verdict = judge(history, await readPorts(query), { appRange: RANGES.app, refusals: [] })
    report.add(trial, verdict)
    expect(verdict.duplicates.length).toBeGreaterThan(0)
  }

  it("a naive allocator is caught on MariaDB", async () => {
    const server = await sharedServer()
    await server.database(`naive${round}`)
    await caught(
      "MariaDB, naive allocator",
      await Promise.all(times(CLIENTS, () => overMysql(server.socket, `naive${round}`)))
    )
  })

  it("a naive allocator is caught on SQLite", async () => {
    const { file } = onSqlite()
    await caught(
      "SQLite, naive allocator",
      times(CLIENTS, () => overSqlite(file))
    )
  })

  describe.each(databases)("%s", (database, fresh) => {
    it.each([
      ["one daemon", ["alpha"]],
      ["four daemons", FOUR_HOSTS]
    ])("many writers through %s", async (through, hosts) => {
      const world = await fresh()
      const services = await serve(world, hosts)
      const verdict = await judged(await manyWriters(clientsOf(services), seed), world, services)
      report.keeps(`${database}, ${through}`, verdict)
      expect(verdict.unknown).toBe(0)
    })

    it("many writers through the command line", async () => {
      const world = await fresh()
      const box = machine({ ...ENV, ...world.env, AUTOMATELINUX_DAEMON: "never" })
      const clients = times(CLIENTS, () => processes(box))
      const verdict = await judged(await manyWriters(clients, seed, 1, 1), world, [])
      report.keeps(`${database}, command line`, verdict)
      expect(verdict.unknown).toBe(0)
    })

    it("many writers through daemons and the command line at once", async () => {
      const world = await fresh()
      const services = await serve(world, ["alpha", "beta"])
      const past = machine({ ...ENV, ...world.env, AUTOMATELINUX_HOST: "gamma", AUTOMATELINUX_DAEMON: "never" })
      const [service] = services as [Service]
      // Of each eight one is a process beside the daemons, and of each sixteen one that asks a daemon.
      const clients = clientsOf(services).map((client, index) =>
        index % 8 === 3 ? processes(past) : index % 16 === 7 ? processes(service.box) : client
      )
      const verdict = await judged(await manyWriters(clients, seed, 2, 4), world, services)
      report.keeps(`${database}, daemons and command line`, verdict)
      expect(verdict.unknown).toBe(0)
    })

    it("a range too small for all", async () => {
      const world = await fresh()
      const slots = CLIENTS / 2
      const { first } = RANGES.app
      const small = { AUTOMATELINUX_APP_RANGE: `${first}-${first + 2 * slots - 1}` }
      const services = await serve(world, FOUR_HOSTS, small)
      const clients = clientsOf(services)
      const rush = await together(clients, (index) => listed([allocate(`w${index}`)]))
      const refusals = rush.flatMap(({ outcome }) => (outcome._tag === "Refused" ? [outcome.code] : []))
      expect(refusals).toEqual(times(CLIENTS - slots, () => "range-full"))
      const then = await together(clients, (index) => mixed(`u${index}`, randomFrom(seed + index), ASKS))
      report.keeps(`${database}, full range`, await judged([...rush, ...then], world, services))
    })

    it("a daemon is killed, over and over", async () => {
      const world = await fresh()
      const services = await serve(world, FOUR_HOSTS, PATIENCE)
      const verdict = await disturbed(world, services, seed, async () => {
        for (const service of services) {
          await service.stop("SIGKILL")
          await service.start()
          await sleep(200)
        }
      })
      report.keeps(`${database}, daemon killed`, verdict)
    })

    it("a daemon falls asleep, perhaps in mid-transaction", async () => {
      const world = await fresh()
      const services = await serve(world, FOUR_HOSTS, PATIENCE)
      const verdict = await disturbed(world, services, seed, async () => {
        services[0]?.signal("SIGSTOP")
        await sleep(PAST_EVERY_TIMEOUT_MS)
        services[0]?.signal("SIGCONT")
      })
      report.keeps(`${database}, daemon asleep`, verdict)
    })
  })

  it("SQLite's disk is full", async () => {
    const world = onSqlite()
    const services = await serve(world, ["alpha"], PATIENCE)
    const verdict = await disturbed(world, services, seed, async () => {
      const [service] = services as [Service]
      for (const more of [0, 50_000]) {
        // On a busy machine nothing may be written yet.
        service.limitFiles((statSync(`${world.file}-wal`, { throwIfNoEntry: false })?.size ?? 0) + more)
        await sleep(1000)
        service.limitFiles("unlimited")
        await sleep(500)
      }
    })
    report.keeps("SQLite, disk full", verdict)
    expect(verdict.refused).toBeGreaterThan(0)
  })

  it("SQLite may have no page more", async () => {
    const world = onSqlite()
    const { client, end, sql } = overRegistry({ ...ENV, HOME: temporary(), ...world.env, ...PATIENCE })
    const clients = times(CLIENTS, () => client)
    const history: Array<Attempt> = []
    for (const more of [Number.POSITIVE_INFINITY, 0, 8, Number.POSITIVE_INFINITY]) {
      const [row] = await sql("PRAGMA page_count")
      const pages = Number((row as { readonly page_count?: number }).page_count)
      await sql(`PRAGMA max_page_count = ${Math.min(pages + more, 1_000_000)}`)
      history.push(
        ...(await together(clients, (index) =>
          mixed(`u${index}x${history.length}`, randomFrom(seed + index + history.length), ASKS)
        ))
      )
    }
    await end()
    const verdict = await judged(history, world, [], BROKEN)
    report.keeps("SQLite, no page left", verdict)
    expect(history.some(({ outcome }) => outcome._tag === "Refused" && outcome.code === "unavailable")).toBe(true)
    expect(history.slice(-CLIENTS).some(({ outcome }) => outcome._tag === "Ok")).toBe(true)
  })

  it("MariaDB is killed and comes back", async () => {
    const server = await MariaDb.start()
    onTestFinished(() => server.kill())
    const world = await onMariaDb(server)
    const services = await serve(world, FOUR_HOSTS, PATIENCE)
    const verdict = await disturbed(world, services, seed, async () => {
      for (const away of [0, 3000]) {
        await server.kill()
        await sleep(away)
        await server.restart()
        await sleep(500)
      }
    })
    report.keeps("MariaDB, server killed", verdict)
  })

  it("MariaDB is stopped past every timeout and goes on", async () => {
    const server = await MariaDb.start()
    onTestFinished(() => server.kill())
    const world = await onMariaDb(server)
    const services = await serve(world, FOUR_HOSTS, PATIENCE)
    const verdict = await disturbed(world, services, seed, async () => {
      server.signal("SIGSTOP")
      await sleep(PAST_EVERY_TIMEOUT_MS)
      server.signal("SIGCONT")
    })
    report.keeps("MariaDB, server stopped", verdict)
  })

  it("connections to MariaDB are cut at COMMIT", async () => {
    const server = await sharedServer()
    const random = randomFrom(seed)
    const fates = times(10_000, () => (random() < 0.8 ? "pass" : random() < 0.5 ? "before" : "after"))
    const world = await onMariaDb(server, await commitProxy(server.socket, fates))
    const services = await serve(world, FOUR_HOSTS, PATIENCE)
    report.keeps("MariaDB, cut at COMMIT", await disturbed(world, services, seed, () => sleep(1000)))
  })
})
