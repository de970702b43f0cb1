import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest"
import { type Machine, machine } from "../support/cli.ts"
import { judge } from "./checker.ts"
import { NAIVE_TABLE, naive, overMysql } from "./clients.ts"
import { onCluster, readPorts } from "./environments.ts"
import {
  CLIENTS,
  clientsOf,
  disturbed,
  ENV,
  expectLowest,
  judged,
  serve,
  times,
  together,
  workingSince
} from "./faultRun.ts"
import { type Node, reunited, wholeCluster } from "./galera.ts"
import { Report } from "./report.ts"
import { allocate, listed, mixed, RANGES, randomFrom } from "./workload.ts"

const ROUNDS = Number(process.env["ROUNDS"] ?? 1)
const PAIRS = 7
const ASKS = 6
const FOUR_HOSTS = ["alpha", "beta", "gamma", "delta"]

/** Longer than a cluster takes to find out that a node is gone. */
const UNTIL_NOTICED_MS = 5000

/** How soon everybody must go on with another node, once it is noticed, on a busy machine. */
const GOING_ON_MS = 20_000

/** How long a node is kept from doing what the others did. */
const LAG_S = 3

const report = new Report()
let nodes: ReadonlyArray<Node> = []

// A trial that fails may leave less than a cluster behind.
beforeEach(async () => {
  nodes = await wholeCluster(nodes)
})
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.kill()))
  console.log(`\n${report.text}\n`)
})

const node = (index: number): Node => {
  const found = nodes[index]
  if (found === undefined) throw new Error("there is no such node")
  return found
}

/** Each host has another node that it likes best. `named` is how many nodes it knows of; all of them, if none is said. */
const serveAll = async (named?: number) => {
  const world = await onCluster(nodes)
  const services = await Promise.all(
    FOUR_HOSTS.map((host, index) => serve(world, [host], world.envOf(index, named))).map(
      async (each) => (await each)[0]
    )
  )
  return { world, services: services.filter((service) => service !== undefined) }
}

describe.each(times(ROUNDS, (round) => round + 1))("round %i", (round) => {
  const seed = round * 1000

  it("a naive allocator is caught", async () => {
    const name = `naive${round}`
    await node(0).query(`CREATE DATABASE ${name}`)
    await node(0).query(NAIVE_TABLE, [], name)
    await sleep(500)
    const queries = await Promise.all(times(CLIENTS, (index) => overMysql(node(index % 3).socket, name)))
    const clients = queries.map((query) => naive(query, RANGES.app.first))
    const history = await together(clients, (index) => listed(times(PAIRS, (each) => allocate(`w${index}x${each}`))))
    const tables = await readPorts((sql) =>
      node(0)
        .query(`SET wsrep_sync_wait = 1; ${sql}`, [], name)
        .then((all) => all[1] as never)
    )
    const verdict = judge(history, tables, { appRange: RANGES.app, refusals: [] })
    report.add("naive allocator", verdict)
    expect(verdict.duplicates.length).toBeGreaterThan(0)
  })

  it.each([
    ["spread over the nodes", undefined],
    ["each on a node that it takes for a single server", 1]
  ])("many writers, %s", async (_, named) => {
    const { services, world } = await serveAll(named)
    const clients = clientsOf(services)
    const first = await together(clients, (index) => listed(times(PAIRS, (each) => allocate(`w${index}x${each}`))))
    expectLowest(first, PAIRS)
    const then = await together(clients, (index) => mixed(`u${index}`, randomFrom(seed + index), ASKS))
    report.keeps("many writers", await judged([...first, ...then], world, services))
  })

  it("a node that lags behind the others does not answer with what was", async () => {
    const world = await onCluster(nodes)
    const [near, far] = [0, 1].map((host) =>
      machine({ ...ENV, ...world.envOf(host, 1), AUTOMATELINUX_DAEMON: "never" })
    ) as [Machine, Machine]
    await near.ok("allocate", "--app", "first")
    await far.ok("getPort", "--key", "first-dev")
    const behind = node(1).query(`FLUSH TABLES WITH READ LOCK; SELECT SLEEP(${LAG_S})`)
    await sleep(500)
    await near.ok("allocate", "--app", "late")
    expect(await world.rowsAt(node(1))).toBe(2)
    expect(await far.ok("getPort", "--key", "late-dev")).toBe(`${RANGES.app.first + 3}\n`)
    expect(await world.rowsAt(node(1))).toBe(4)
    await behind
  })

  it("a node is killed and comes back", async () => {
    const { services, world } = await serveAll()
    const verdict = await disturbed(world, services, seed, async () => {
      await node(1).kill()
      await sleep(UNTIL_NOTICED_MS)
      node(1).startAgain()
      await node(1).synced()
    })
    report.keeps("a node killed", verdict)
  })

  it("a node is stopped and goes on", async () => {
    const { services, world } = await serveAll()
    const verdict = await disturbed(world, services, seed, async () => {
      node(2).signal("SIGSTOP")
      await sleep(UNTIL_NOTICED_MS)
      node(2).signal("SIGCONT")
      await node(2).synced()
    })
    report.keeps("a node stopped", verdict)
  })

  it("a node is cut off from the others, and refuses what it is asked", async () => {
    const { services, world } = await serveAll()
    const isolate = (value: number) => node(0).query(`SET GLOBAL wsrep_provider_options = 'gmcast.isolate=${value}'`)
    const verdict = await disturbed(world, services, seed, async (history) => {
      const since = performance.now()
      const goOn = () => workingSince(history, since + UNTIL_NOTICED_MS, services.length)
      await isolate(1)
      try {
        await sleep(UNTIL_NOTICED_MS)
        await expect(node(0).query("SELECT * FROM mysql.user LIMIT 1")).rejects.toThrow(/WSREP/)
        // Also who likes that node best goes on, with another; and who asks for the first time.
        await vi.waitUntil(() => goOn().size === services.length, GOING_ON_MS)
        await machine({ ...ENV, ...world.envOf(0), AUTOMATELINUX_DAEMON: "never" }).ok("listPorts")
      } finally {
        await isolate(0)
        await node(0).synced()
      }
    })
    report.keeps("a node cut off", verdict)
  })

  it("two nodes are killed: the third refuses, until they are back", async () => {
    const { services, world } = await serveAll()
    const verdict = await disturbed(world, services, seed, async () => {
      await Promise.all([node(0).kill(), node(1).kill()])
      await sleep(UNTIL_NOTICED_MS)
      await expect(node(2).query("SELECT * FROM mysql.user LIMIT 1")).rejects.toThrow(/WSREP/)
      const env = { ...ENV, ...world.envOf(2, 1), AUTOMATELINUX_DATABASE_TIMEOUT: "1 second" }
      const alone = machine({ ...env, AUTOMATELINUX_DAEMON: "never" })
      for (const words of [["listPorts"], ["allocate", "--app", "lonely"]])
        expect(await alone.d(...words)).toMatchObject({
          code: 3,
          stdout: "",
          stderr: expect.stringMatching(
            /^error: .* it is not ready, as a node of a cluster .*\nhint: ask it: SHOW STATUS/
          )
        })
      for (const each of [node(0), node(1)]) each.startAgain()
      await reunited(nodes, node(2))
    })
    report.keeps("two nodes killed", verdict)
  })
})
