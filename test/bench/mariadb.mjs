import { randomUUID } from "node:crypto"
import mysql from "mysql2/promise"
import { latency, QUICK, rate, ratio } from "./measure.mjs"
import { database, served } from "./place.mjs"
import { demand, kept, request } from "./talk.mjs"

const ROUNDS = QUICK ? 3 : 11
const ROUND_MS = QUICK ? 400 : 1000
const CLIENTS = 32
const PAIRS = 7
const CONNECTIONS = 10
const TIMES = QUICK ? 10 : 20
const FIRST = 20_002

const BEGIN =
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES', innodb_lock_wait_timeout = 5; START TRANSACTION; " +
  "SELECT name FROM port_registry WHERE name = 'mutex' FOR UPDATE"

const READS = [
  "SELECT setting_key, setting_value FROM settings WHERE setting_key LIKE 'port|_%' ESCAPE '|'",
  "SELECT `key`, description, created_at, host, `by` FROM port_keys",
  "SELECT `key`, kind, name, since, seen FROM port_owners WHERE host = 'here'",
  "SELECT port, claim_key, claimed_at, host, `by` FROM port_claims",
  "SELECT port, reason FROM port_reserved"
]

/** All but what is asked for. */
const RELEASE =
  "DELETE FROM settings WHERE setting_key <> 'port_app0-dev'; DELETE FROM port_keys WHERE `key` <> 'app0-dev'; " +
  "DELETE FROM port_claims WHERE claim_key <> 'app0-dev'"

/** What an allocation of a pair reads and writes, one statement after the other, with nothing decided in between. */
const allocateBare = async (pool, app, port) => {
  const connection = await pool.getConnection()
  const at = new Date().toISOString()
  const batch = randomUUID()
  try {
    await connection.query(BEGIN)
    for (const read of READS) await connection.execute(read)
    for (const [key, value] of [
      [`${app}-prod`, port],
      [`${app}-dev`, port + 1]
    ]) {
      await connection.execute("INSERT INTO settings (setting_key, setting_value) VALUES (?, ?)", [
        `port_${key}`,
        String(value)
      ])
      await connection.execute("INSERT INTO port_keys (`key`, created_at, host, `by`) VALUES (?, ?, ?, ?)", [
        key,
        at,
        "here",
        "me"
      ])
      await connection.execute(
        "INSERT INTO port_history (batch, at, what, `key`, old_port, new_port, detail, host, user, program) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [batch, at, "allocate", key, null, value, null, "here", "me", "bench"]
      )
    }
    for (const [key, value] of [
      [`${app}-prod`, port],
      [`${app}-dev`, port + 1]
    ]) {
      await connection.execute(
        "INSERT INTO port_claims (port, claim_key, claimed_at, host, `by`) VALUES (?, ?, ?, ?, ?)",
        [value, key, at, "here", "me"]
      )
    }
    await connection.query("COMMIT")
  } finally {
    connection.release()
  }
}

/** A daemon on an empty database, and a pool on another with the same tables. */
const sides = async () => {
  const ours = await database()
  const place = await served({ databaseUrl: ours.url })
  const floor = await database()
  const other = await served({ databaseUrl: floor.url })
  for (const { socket } of [place, other]) {
    const connection = await kept(socket)
    await demand(connection, "setPort", { key: "app0-dev", value: 20_001 })
    connection.close()
  }
  // It has made the tables.
  other.daemon.kill()
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => kept(place.socket)))
  const pool = mysql.createPool({ ...floor.bare, connectionLimit: CONNECTIONS, multipleStatements: true })
  return { clients, pool }
}

/** What the registry adds to what its database costs. */
export const mariadbRows = async () => {
  const { clients, pool } = await sides()
  const [client] = clients

  /** Both sides begin each round with as much to read as the other. */
  const releaseOurs = (app) => demand(client, "release", { app })
  const releaseBare = () => pool.query(RELEASE)

  const one = await ratio(
    ROUNDS,
    async () => {
      const apps = []
      const took = await latency(TIMES, () => {
        apps.push(`one${apps.length}`)
        return demand(client, "allocate", { app: apps.at(-1) })
      })
      await releaseOurs(apps)
      return took
    },
    async () => {
      let port = FIRST
      const took = await latency(TIMES, () => {
        port += 2
        return allocateBare(pool, `one${port}`, port)
      })
      await releaseBare()
      return took
    }
  )

  const wave = async (allocate) => {
    const started = performance.now()
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, each) => {
        for (let pair = 0; pair < PAIRS; pair++) await allocate(each, `wave${each}-${pair}`)
      })
    )
    return performance.now() - started
  }
  const many = await ratio(
    QUICK ? 1 : 5,
    async () => {
      const apps = []
      const took = await wave((each, app) => {
        apps.push(app)
        return demand(clients[each], "allocate", { app })
      })
      await releaseOurs(apps)
      return took
    },
    async () => {
      let port = FIRST
      const took = await wave((_, app) => {
        port += 2
        return allocateBare(pool, app, port)
      })
      await releaseBare()
      return took
    }
  )
  // Last, because hundreds of thousands of questions make V8 know one way of asking better than the other.
  const question = request("getPort", { key: "app0-dev" })
  const select = "SELECT setting_key, setting_value FROM settings WHERE setting_key = ?"
  const questions = await ratio(
    ROUNDS,
    () => rate(CLIENTS, ROUND_MS, (each) => clients[each].ask(question)),
    () => rate(CLIENTS, ROUND_MS, () => pool.execute(select, ["port_app0-dev"]))
  )
  await pool.end()
  return [
    {
      what: "getPort through the daemon, MariaDB",
      against: "the same SELECT on a bare mysql2 pool of the same size",
      ...questions,
      unit: "/s",
      reach: 0.7,
      aim: 0.9
    },
    {
      what: "allocate through the daemon, MariaDB, median latency",
      against: "the same statements bare, one transaction",
      ...one,
      reach: 2,
      aim: 1.3
    },
    {
      what: `${CLIENTS} clients x ${PAIRS} pairs, MariaDB, wall`,
      against: "the same statements bare with the same queue",
      ...many,
      reach: 2,
      aim: 1.3
    }
  ]
}
