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

/** What a registry of very many ports with a long history costs, against a small one. */
export const manyRows = async () => {
  const few = await filled(FEW, FEW)
  const many = await filled(MANY, HISTORY)
  let apps = 0
  const timed = async (work) => {
    const started = performance.now()
    await work()
    return performance.now() - started
  }
  const row = async (what, rounds, work, goals) => ({
    what: `${what} with ${shown(MANY)} assignments and ${shown(HISTORY)} changes behind them`,
    against: `the same with ${shown(FEW)} and ${shown(FEW)}`,
    ...(await ratio(
      rounds,
      () => work(many.connection),
      () => work(few.connection)
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
  const rows = [
    await row("allocate", QUICK ? 9 : 31, allocate, { reach: 3, aim: 1.5 }),
    await row("undo", QUICK ? 9 : 31, undo, { reach: 3, aim: 1.2 }),
    await row("history --limit 20", QUICK ? 9 : 31, ask("history", { limit: 20 }), { reach: 3, aim: 1.2 }),
    await row("history --key", QUICK ? 5 : 11, ask("history", { key: "app7-dev", limit: 20 }), { reach: 3, aim: 1.5 }),
    await row("listPorts", QUICK ? 5 : 11, ask("listPorts", {}), linear),
    await row("explain", QUICK ? 5 : 11, ask("explain", { key: "app7-dev" }), linear),
    await row("doctor", QUICK ? 3 : 5, ask("doctor", {}), linear)
  ]
  for (const { connection, daemon } of [few, many]) {
    connection.close()
    daemon.kill()
  }
  return rows
}
