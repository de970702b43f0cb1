import { spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import type { Results } from "../../../src/commands/Results.ts"
import { type Machine, startDaemon } from "../../support/cli.ts"
import { examine, findingsOf, fixOf, type Server, started, until } from "../../support/doctor.ts"
import { isMySql } from "../../support/flavour.ts"
import { inProcess } from "../../support/inProcess.ts"
import { MariaDb } from "../../support/mariadb.ts"
import { temporary } from "../../support/root.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "17350-17369", AUTOMATELINUX_SPECIAL_RANGE: "17370-17399" }

let server: MariaDb
let databases = 0

beforeAll(async () => {
  server = await MariaDb.start(
    "--character-set-server=utf8mb3",
    // MySQL has no such option any more.
    ...(isMySql ? [] : ["--character-set-client-handshake=0"])
  )
})
afterAll(() => server.kill())

const own = async () => {
  const name = `outside${++databases}`
  const url = await server.database(name, "utf8mb3_general_ci")
  const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url, AUTOMATELINUX_PROBE_INTERVAL: "300 millis" })
  return { box, name, sql: (text: string) => server.query(text, [], name) }
}

/** A process that listens, in a directory with a name of its own; `argv0` is what it calls itself. */
const serveIn = (name: string, port: number, argv0 = "node"): Promise<Server> => {
  const directory = join(temporary(), name)
  mkdirSync(directory)
  const script = `require("node:net").createServer().listen(${port}, "127.0.0.1", () => console.log("up"))`
  const words = ["-c", 'exec -a "$1" "$2" -e "$3"', "bash", argv0, process.execPath, script]
  return started(spawn("bash", words, { cwd: directory, stdio: ["ignore", "pipe", "inherit"] }), directory)
}

const list = (box: Machine) => async (): Promise<Results["listPorts"]> =>
  JSON.parse(await box.ok("listPorts", "--json"))

/** What a daemon has stored: without one, what listens is up as well, but since nobody knows when. */
const health = (box: Machine) => async () =>
  Object.fromEntries((await list(box)()).map(({ health: { since, state }, key }) => [key, since && state]))

it("stores the health of a port whose listener has a long name, or a directory with an emoji", async () => {
  const { box, sql } = await own()
  for (const [key, port] of Object.entries({ a: "17370", b: "17371", c: "17372" }))
    await box.ok("setPort", "--key", key, "--value", port)
  const b = await serveIn("b", 17_371)
  await serveIn("w 🙂", 17_370)
  await serveIn("c", 17_372, "x".repeat(70_000))
  await startDaemon(box)
  await until(health(box), ({ a, b, c }) => a === "up" && b === "up" && c === "up")
  await b.stop()
  await until(health(box), (states) => states["b"] === "down")
  const [a, , c] = await sql("SELECT HEX(listener) AS listener FROM port_health ORDER BY port")
  const stored = (row: typeof a) => Buffer.from(String(row?.["listener"]), "hex").toString()
  expect(stored(a)).toMatch(/\/w 🙂$/)
  expect(stored(c)).toMatch(/^x{79}…, pid /)
  expect(await findingsOf(box, "daemon-probing")).toEqual([])
})

it("says what a server says in one plain line", async () => {
  const { box, sql } = await own()
  await box.ok("setPort", "--key", "a", "--value", "17370")
  await sql(
    `CREATE TRIGGER no BEFORE INSERT ON port_claims FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no\u001b[2J\nforged \u202e'`
  )
  const run = await box.d("setPort", "--key", "b", "--value", "17371")
  expect(run).toMatchObject({ code: 3, stdout: "" })
  // MariaDB writes out the escape itself.
  expect(run.stderr.replace("\\u001b", "\\001B")).toContain(
    "a rule of the table forbids it: no\\001B[2J\\u000aforged \\u202e\n"
  )
  expect(run.stderr.split("\n")).toHaveLength(3)
})

it("leaves out what the server refuses for one port, stores the others', and tells", async () => {
  const { box, sql } = await own()
  for (const [key, port] of Object.entries({ a: "17370", b: "17371" }))
    await box.ok("setPort", "--key", key, "--value", port)
  // As an administrator does who wants one character set for all.
  for (const table of ["port_health", "port_owners"]) await sql(`ALTER TABLE ${table} CONVERT TO CHARACTER SET utf8mb3`)
  const b = await serveIn("b", 17_371)
  const daemon = await startDaemon(box)
  await until(health(box), (states) => states["b"] === "up")
  const a = await serveIn("w 🙂", 17_370)
  await until(health(box), (states) => states["a"] === "up")
  await b.stop()
  await until(health(box), (states) => states["b"] === "down")
  expect(await sql("SELECT port, state, listener FROM port_health WHERE port = 17370")).toEqual([
    { port: 17_370, state: "up", listener: null }
  ])
  expect(await sql("SELECT `key` FROM port_owners")).toEqual([{ key: "b" }])
  const findings = await findingsOf(box, "daemon-probing")
  expect(findings).toMatchObject([
    {
      severity: "info",
      keys: ["a"],
      ports: [17_370],
      message: "the description of the listener on 17370 (a) cannot be stored",
      evidence: expect.stringMatching(/^a column cannot hold what is written: Incorrect string value: /)
    },
    { severity: "info", keys: ["a"], message: "the owner of a, which has 17370, cannot be stored" }
  ])
  for (const finding of findings) {
    const asRoot = fixOf(finding).replace("sudo ", "")
    expect((await box.typed("dash", asRoot)).stdout).toMatch(/utf8mb3/)
  }
  // Rounds that find nothing new say nothing new.
  const before = daemon.log()
  expect(before.match(/cannot be stored/g)).toHaveLength(2)
  expect(before).not.toContain("a tick failed")
  const rounds = async () => JSON.parse(await box.ok("status", "--json")).lastTick.at as string
  const now = await rounds()
  await until(rounds, (at) => at > now)
  expect(daemon.log()).toBe(before)
  // What is over is no longer told.
  await a.stop()
  await until(health(box), (states) => states["a"] === "down")
  await box.ok("deletePort", "--key", "a")
  await until(
    () => findingsOf(box, "daemon-probing"),
    (left) => left.length === 0
  )
})

it("goes on beside another program's rows that no column of ours can hold", async () => {
  const { box, sql } = await own()
  await sql(
    `CREATE TABLE settings (setting_key VARCHAR(700) CHARACTER SET utf8mb4 NOT NULL PRIMARY KEY, setting_value MEDIUMTEXT);
     INSERT INTO settings VALUES (CONCAT('port_', REPEAT('k', 300)), '17370'), (CONCAT('port_', CONVERT(X'F09F9982' USING utf8mb4)), '17371'),
       (CONCAT('port_', REPEAT('l', 251)), REPEAT('9', 70000)), ('port_b', '17372')`
  )
  expect(await box.ok("allocate", "--special", "next")).toBe("next 17373\n")
  for (const table of ["port_health", "port_claims", "port_history"])
    await sql(`ALTER TABLE ${table} CONVERT TO CHARACTER SET utf8mb3`)
  expect(await box.ok("allocate", "--app", "cad")).toBe("cad-prod 17350\ncad-dev 17351\n")
  await serveIn("b", 17_372)
  const daemon = await startDaemon(box)
  await until(health(box), (states) => states["b"] === "up")
  expect(daemon.log()).not.toContain("a tick failed")
  const { findings } = await examine(box, "--fix")
  expect(findings.filter(({ check }) => check === "claim-drift")).toEqual([])
  expect(findings.filter(({ check }) => check === "daemon-probing").map(({ severity }) => severity)).toEqual([
    "warning",
    "warning"
  ])
  // What is told of each is mended by what is printed for it.
  for (const finding of await findingsOf(box, "value-invalid"))
    await box.typed("bash", fixOf(finding).replace("sudo ", ""))
  expect((await list(box)()).map(({ key }) => key)).toEqual(["cad-prod", "cad-dev", "b", "next"])
  expect(await findingsOf(box, "value-invalid")).toEqual([])
})
