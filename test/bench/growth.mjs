import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { latency, median, QUICK, ratio } from "./measure.mjs"
import { served, service } from "./place.mjs"
import { demand, kept } from "./talk.mjs"

const MANY = 1000
const FEW = 100
const FIRST = 20_000
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"]

/** A daemon that knows `count` ports, and a connection to it. */
const filled = async (count, settings) => {
  const place = await served(settings)
  const connection = await kept(place.socket)
  for (let at = 0; at < count / 2; at += 50) {
    const app = Array.from({ length: Math.min(50, count / 2 - at) }, (_, each) => `app${at + each}`)
    await demand(connection, "allocate", { app })
  }
  return connection
}

/** Listens on every one of the ports. */
const LISTEN = `
  let left = ${MANY}
  for (let port = ${FIRST}; port < ${FIRST + MANY}; port++)
    require("node:net").createServer().listen(port, "127.0.0.1", () => --left === 0 && console.error("serving"))`

const readTables = () => {
  const started = performance.now()
  let found = 0
  for (const path of TABLES) {
    for (const line of readFileSync(path, "utf8").split("\n")) found += line.trim().split(/\s+/).length
  }
  return found > 0 ? performance.now() - started : Number.NaN
}

/** What a registry of many ports costs. */
export const growthRows = async () => {
  const few = await filled(FEW)
  const many = await filled(MANY)
  let apps = 0
  const allocation = (connection) => async () => {
    const app = `another${++apps}`
    const started = performance.now()
    await demand(connection, "allocate", { app })
    const took = performance.now() - started
    await demand(connection, "release", { app })
    return took
  }
  const grown = await ratio(QUICK ? 9 : 51, allocation(many), allocation(few))
  few.close()
  many.close()

  const interval = 300
  const watched = await filled(MANY, { probeInterval: `${interval} millis` })
  const listeners = await service(process.execPath, ["-e", LISTEN])
  // The first rounds learn who listens.
  await sleep(3000)
  const ours = []
  const floor = []
  for (let tick = 0; tick < (QUICK ? 10 : 60); tick++) {
    await sleep(interval)
    floor.push(await latency(1, readTables))
    const { lastTick } = await demand(watched, "status", {})
    ours.push(lastTick.durationMs)
  }
  listeners.kill()
  watched.close()
  // Ticks are counted in whole milliseconds.
  const mean = ours.reduce((sum, each) => sum + each, 0) / ours.length
  return [
    {
      what: "a tick over 1,000 assignments, nothing changed",
      against: "reading and splitting /proc/net/tcp and tcp6",
      ours: mean,
      floor: median(floor),
      ratio: mean / median(floor),
      reach: 3,
      aim: 1.5
    },
    {
      what: "allocate with 1,000 assignments",
      against: "the same with 100",
      ...grown,
      reach: 3,
      aim: 1.3
    }
  ]
}
