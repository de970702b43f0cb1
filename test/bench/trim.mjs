import { execFileSync, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { median, QUICK } from "./measure.mjs"
import { PROGRAM, served } from "./place.mjs"
import { demand, kept } from "./talk.mjs"

const OLD = QUICK ? 2000 : 20_000
/** The maximum time for which a writer may be held up. */
const HELD_MAX_MS = 50

const shown = (count) => count.toLocaleString("en")

/** Adds changes of two years ago, each of an operation of its own. */
const age = (directory) =>
  execFileSync("sqlite3", [
    `${directory}/.local/state/automatelinux/ports.sqlite`,
    `PRAGMA busy_timeout = 10000;
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${OLD} - 1)
     INSERT INTO port_history (id, batch, at, what, "key", old_port, new_port, host, "user", program)
       SELECT i - ${OLD}, 'old' || i, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-2 years', '+' || i || ' seconds'), 'set',
         'app' || (i % 50) || '-dev', 20001, 20003, 'box', 'me', 'd' FROM n`
  ])

/** Trims the history in a process of its own. Returns how long each of its transactions held the lock. */
const trim = ({ directory, env }) =>
  new Promise((done, fail) => {
    const file = join(directory, "held.json")
    const child = spawn(
      process.execPath,
      ["--require", resolve("test/bench/heldLocks.cjs"), PROGRAM, "history", "--trim"],
      {
        env: { ...env, AUTOMATELINUX_DAEMON: "never", HELD_LOCKS: file },
        stdio: ["ignore", "ignore", "inherit"]
      }
    )
    child.once("error", fail)
    child.once("exit", (code) =>
      code === 0 ? done(JSON.parse(readFileSync(file, "utf8"))) : fail(new Error(`the trim ended with ${code}`))
    )
  })

/** How long a trim of a long history holds the lock, and how long a change waits meanwhile. */
export const trimRows = async () => {
  const place = await served()
  const connection = await kept(place.socket)
  let apps = 0
  const allocate = async () => {
    const app = `app${++apps}`
    const started = performance.now()
    await demand(connection, "allocate", { app })
    const took = performance.now() - started
    await demand(connection, "release", { app })
    return took
  }
  for (let round = 0; round < 50; round++) await allocate()
  age(place.directory)
  let isTrimming = true
  const trimming = trim(place).finally(() => {
    isTrimming = false
  })
  const meanwhile = []
  while (isTrimming) meanwhile.push(await allocate())
  const held = await trimming
  // As many: the more there are, the longer is the longest.
  const alone = []
  while (alone.length < meanwhile.length) alone.push(await allocate())
  connection.close()
  place.daemon.kill()
  const what = (of) => `${of} while ${shown(OLD)} old changes are deleted`
  const longest = Math.max(...held)
  const row = (name, ours, against, floor, goals) => ({
    what: what(name),
    against,
    ours,
    floor,
    ratio: ours / floor,
    ...goals
  })
  return [
    row("the median lock of the trim", median(held), "the limit of 50 ms", HELD_MAX_MS, { reach: 1, aim: 0.2 }),
    row("the longest lock of the trim", longest, "the limit of 50 ms", HELD_MAX_MS, { reach: 1, aim: 0.5 }),
    row("the median allocate", median(meanwhile), "without a trim", median(alone), { reach: 3, aim: 1.5 }),
    row("the longest allocate", Math.max(...meanwhile), "without a trim", Math.max(...alone), { reach: 5, aim: 2 })
  ]
}
