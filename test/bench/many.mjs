import { execFileSync } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { QUICK, ratio } from "./measure.mjs"
import { home, PROGRAM, service } from "./place.mjs"
import { demand, kept } from "./talk.mjs"

const FEW = 100
const MANY = QUICK ? 1000 : 10_000
const HISTORY = QUICK ? 10_000 : 1_000_000
const FIRST = 20_000
const RANGES = { appRange: `${FIRST}-${FIRST + MANY + 999}`, specialRange: "19000-19999" }

const shown = (count) => count.toLocaleString("en")

/** Numbers from 0, as many as `count`, for SQL. */
const numbers = (count) => `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count} - 1)`

/** A daemon that knows `count` ports and has `history` changes behind it, and a connection to it. */
const filled = async (count, history) => {
  const place = home(RANGES)
  const { env } = place
  execFileSync(process.execPath, [PROGRAM, "reserve", "--port", "19999", "--reason", "makes the tables"], { env })
  const file = `${place.directory}/.local/state/automatelinux/ports.sqlite`
  execFileSync("sqlite3", [
    file,
    `${numbers(count)} INSERT INTO settings
       SELECT 'port_app' || (i / 2) || CASE i % 2 WHEN 0 THEN '-prod' ELSE '-dev' END, ${FIRST} + i FROM n;
     ${numbers(history)} INSERT INTO port_history (batch, at, what, "key", old_port, new_port, host, "user", program)
       SELECT 'b' || i, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'set', 'app' || (i % ${count / 2}) || '-dev',
         ${FIRST} + i % ${count}, ${FIRST} + (i + 1) % ${count}, 'box', 'me', 'd' FROM n`
  ])
  const daemon = await service(process.execPath, [PROGRAM, "daemon"], env)
  const connection = await kept(place.socket)
  // The first round adopts what was written.
  while ((await demand(connection, "status", {})).lastTick === null) await sleep(100)
  return { connection, daemon }
}

/** What a long history costs a registry of very many ports, and what these cost, against a small registry. */
export const manyRows = async () => {
  const small = { ...(await filled(FEW, FEW)), size: FEW, past: FEW }
  const young = { ...(await filled(MANY, FEW)), size: MANY, past: FEW }
  const old = { ...(await filled(MANY, HISTORY)), size: MANY, past: HISTORY }
  let apps = 0
  const timed = async (work) => {
    const started = performance.now()
    await work()
    return performance.now() - started
  }
  const of = ({ past, size }) => `${shown(size)} assignments and ${shown(past)} changes`
  const row = async (against, what, rounds, work, goals) => ({
    what: `${what} with ${of(old)}`,
    against: `the same with ${of(against)}`,
    ...(await ratio(
      rounds,
      () => work(old.connection),
      () => work(against.connection)
    )),
    ...goals
  })
  const ask = (command, payload) => (connection) => timed(() => demand(connection, command, payload))
  const linear = { reach: MANY / FEW, aim: MANY / FEW / 2 }
  const allocate = async (connection) => {
    const app = `another${++apps}`
    const took = await timed(() => demand(connection, "allocate", { app }))
    await demand(connection, "release", { app })
    return took
  }
  const undo = async (connection) => {
    await demand(connection, "allocate", { app: `undone${++apps}` })
    return timed(() => demand(connection, "undo", {}))
  }
  const flat = { reach: 1.5, aim: 1.2 }
  const many = QUICK ? 9 : 31
  const some = QUICK ? 5 : 11
  const rows = [
    await row(young, "allocate", many, allocate, flat),
    await row(young, "undo", many, undo, flat),
    await row(young, "history --limit 20", many, ask("history", { limit: 20 }), flat),
    await row(young, "listPorts", some, ask("listPorts", {}), flat),
    await row(small, "allocate", many, allocate, { reach: 3, aim: 1.5 }),
    await row(small, "undo", many, undo, { reach: 3, aim: 1.5 }),
    // The key has 200 changes behind it instead of one.
    await row(small, "history --key", some, ask("history", { key: "app7-dev", limit: 20 }), linear),
    await row(small, "listPorts", some, ask("listPorts", {}), linear),
    await row(small, "explain", some, ask("explain", { key: "app7-dev" }), linear),
    await row(small, "doctor", QUICK ? 3 : 5, ask("doctor", {}), linear)
  ]
  for (const { connection, daemon } of [small, young, old]) {
    connection.close()
    daemon.kill()
  }
  return rows
}
