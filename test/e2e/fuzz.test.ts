import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { describe, expect, it, onTestFinished } from "vitest"
import { decodePayload } from "../../src/app/requestSchemas.ts"
import { parseArgv } from "../../src/cli/argv.ts"
import { isRegistryCommand } from "../../src/commands/commands.ts"
import { EXIT_CODES } from "../../src/domain/CommandError.ts"
import { type Daemon, machine, startDaemon } from "../support/cli.ts"
import { ACTING, CONTROL } from "../support/controlCharacters.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { frame, randomFrom, upTo, words } from "../support/garbage.ts"
import { serves } from "../support/http.ts"
import { registryLayer } from "../support/registry.ts"
import { Talker } from "../support/socketClient.ts"

/** Frames for each database; `FRAMES=100000 npx vitest run test/e2e/fuzz.test.ts` sends more. */
const FRAMES = Number(process.env["FRAMES"] ?? 2000)
/** Argument lists, and how many of them the program itself is started with. */
const LISTS = Number(process.env["LISTS"] ?? 10_000)
const STARTS = Number(process.env["STARTS"] ?? 40)
/** `SEED=…` makes the same garbage again; the seed is printed. */
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000)

const RANGES = { AUTOMATELINUX_APP_RANGE: "30500-30599", AUTOMATELINUX_SPECIAL_RANGE: "31000-31099" }
const CLIENTS = 8
/** A bound on the heap, because V8 lets one without a bound grow by what the machine has; a leak meets it and ends the daemon. */
const SMALL_HEAP = "--max-old-space-size=80 --max-semi-space-size=2"
/** Those to the database, and what is open besides after a while. */
const CONNECTIONS = 12

const stringsIn = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(stringsIn)
      : []

/** Throws where `reply` is none that the protocol knows. */
const judge = (reply: string) => {
  if (!reply.endsWith("\n")) throw new Error("it is cut off")
  if (ACTING.test(reply)) throw new Error("a terminal would act upon it")
  // A statement that the database refuses would be one that should never have got there.
  if (/this is a bug|cannot use |\n +at /.test(reply)) throw new Error("it tells of a bug")
  // A plain request for the export is answered with its file, which has several lines.
  if (reply.startsWith("{") && !reply.startsWith("{\n")) {
    const { error, notes = [], ok, result, version } = JSON.parse(reply)
    if (version !== "0.1.0" || typeof ok !== "boolean" || ok === (error !== undefined)) throw new Error("no such shape")
    if (!ok && !(error.code in EXIT_CODES)) throw new Error("no such code")
    for (const string of ok ? stringsIn(result) : [])
      if (!string.isWellFormed() || CONTROL.test(string)) throw new Error("no plain text")
    for (const said of ok ? notes : [error.message, error.hint])
      if (CONTROL.test(said) || said.includes("\n") || said.length > 2000) throw new Error("not a plain line")
  } else {
    if (/^(ERROR|Unknown|Missing|Port)/.test(reply) && reply.indexOf("\n") !== reply.length - 1)
      throw new Error("it has several lines")
  }
}

const KEY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,249}$/
const isPort = (value: unknown) => /^[1-9]\d{0,4}$/.test(String(value)) && Number(value) <= 65_535
const isLine = (value: unknown, max = 500) =>
  typeof value === "string" &&
  value.length <= max &&
  !/[\n]/.test(value) &&
  !CONTROL.test(value) &&
  value.isWellFormed()

const CHANGES = [
  "set",
  "allocate",
  "delete",
  "release",
  "rename",
  "describe",
  "bind",
  "pin",
  "unpin",
  "prune",
  "reserve",
  "unreserve",
  "undo",
  "redo",
  "undo:image"
]

/** Whether a text is what was before and after an operation: a list of lists. */
const isImage = (value: unknown): boolean => isLine(value, 16_000) && JSON.parse(String(value)).every(Array.isArray)

type Row = Readonly<Record<string, unknown>>

/** Whether a valid request could have made the row. */
const RULES: Readonly<Record<string, (row: Row) => boolean>> = {
  settings: (row) =>
    row["setting_key"] === "theme"
      ? row["setting_value"] === "dark"
      : /^port_/.test(String(row["setting_key"])) &&
        KEY.test(String(row["setting_key"]).slice(5)) &&
        isPort(row["setting_value"]),
  port_claims: (row) => isPort(row["port"]) && KEY.test(String(row["claim_key"])) && row["host"] === "box",
  port_keys: (row) => KEY.test(String(row["key"])) && (row["description"] === null || isLine(row["description"])),
  // Said in a request, or learned from whoever serves the port.
  port_owners: (row) => KEY.test(String(row["key"])) && isLine(row["name"], 4096),
  port_reserved: (row) => isPort(row["port"]) && isLine(row["reason"]) && String(row["reason"]).trim() !== "",
  port_history: (row) =>
    CHANGES.includes(String(row["what"])) &&
    (row["key"] === null || KEY.test(String(row["key"]))) &&
    [row["old_port"], row["new_port"]].every((port) => port === null || isPort(port)) &&
    (row["detail"] === null ||
      (String(row["what"]).startsWith("undo:") ? isImage(row["detail"]) : isLine(row["detail"], 4096))) &&
    row["program"] === "daemon",
  port_health: (row) => isPort(row["port"]) && KEY.test(String(row["key"])) && row["host"] === "box",
  port_registry: (row) =>
    ["mutex", "settings_table", "schema_version", "watched:box"].includes(String(row["name"])) ||
    (/^pin:/.test(String(row["name"])) && KEY.test(String(row["name"]).slice(4)))
}

const memoryKiB = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length

describe.each([sqlite, mariadb])("a daemon on $name", (database) => {
  it(`answers ${FRAMES} frames of garbage, and stores nothing of it`, {
    timeout: 120_000 + 60 * FRAMES
  }, async () => {
    const box = machine({ AUTOMATELINUX_HOST: "box", AUTOMATELINUX_HTTP: "on", ...RANGES, ...(await database.fresh()) })
    await box.ok("reserve", "--port", "31099", "--reason", "makes the tables")
    const layer = registryLayer(box.env)
    const sql = (statement: string) =>
      Effect.runPromise(
        Effect.flatMap(SqlClient.SqlClient, (client) => client.unsafe<Row>(statement)).pipe(Effect.provide(layer))
      )
    await sql("INSERT INTO settings (setting_key, setting_value) VALUES ('theme', 'dark')")
    await sql("DELETE FROM port_history")
    const daemon = await startDaemon({ ...box, env: { ...box.env, NODE_OPTIONS: SMALL_HEAP } })
    // By garbage, too, HTTP may be turned on.
    await serves(box)
    const open = descriptors(daemon.pid) + CONNECTIONS
    console.log(`${database.name}: SEED=${SEED}`)

    const counts = new Map<string, number>()
    let sent = 0
    let slowest = 0
    const send = async (random: () => number, limit: number) => {
      const talker = new Talker(daemon.socket)
      while (sent < limit) {
        sent++
        const line = frame(random)
        if (random() < 0.02) {
          await talker.vanish(line.subarray(0, upTo(random, line.length)))
          continue
        }
        const began = performance.now()
        const shown = JSON.stringify(line.subarray(0, 500).toString("latin1"))
        const reply = await talker.say(line).catch((error) => {
          throw new Error(`SEED=${SEED}: ${shown} failed`, { cause: error })
        })
        slowest = Math.max(slowest, performance.now() - began)
        try {
          judge(reply)
        } catch (error) {
          throw new Error(`SEED=${SEED}: ${shown} was answered ${JSON.stringify(reply.slice(0, 500))}`, {
            cause: error
          })
        }
        const kind = reply.startsWith("{")
          ? `JSON ${JSON.parse(reply).error?.code ?? "done"}`
          : `plain ${/^(ERROR: Invalid|ERROR|Missing|Unknown|Port not)/.exec(reply)?.[0] ?? "done"}`
        counts.set(kind, (counts.get(kind) ?? 0) + 1)
      }
      talker.close()
    }
    const clients = Array.from({ length: CLIENTS }, (_, index) => randomFrom(SEED * CLIENTS + index))
    const all = (limit: number) => Promise.all(clients.map((random) => send(random, limit)))

    await all(FRAMES / 2)
    const memory = memoryKiB(daemon.pid)
    await all(FRAMES)
    const grown = memoryKiB(daemon.pid) - memory
    const answers = [...counts].sort().map(([kind, count]) => `${kind} ${count}`)
    console.log(
      `${database.name}: ${sent} frames; memory ${memory} KiB at half, then ${grown} KiB more; ` +
        `the slowest took ${Math.round(slowest)} ms; ${answers.join(", ")}`
    )
    expect(grown).toBeLessThan(20_000)
    for (let attempt = 0; descriptors(daemon.pid) > open; attempt++) {
      expect(attempt).toBeLessThan(100)
      await sleep(100)
    }

    const began = performance.now()
    expect(await box.ok("ping")).toBe("pong\n")
    expect(performance.now() - began).toBeLessThan(5000)
    expect(daemon.log()).not.toMatch(/level=ERROR|met a bug/)
    expect(await daemon.stop()).toBe(0)

    for (const [table, rule] of Object.entries(RULES)) {
      const rows = await sql(`SELECT * FROM ${table}`)
      expect(rows.filter((row) => !rule(row))).toEqual([])
    }
    const settings = new Map(
      (await sql("SELECT * FROM settings")).map((row) => [row["setting_key"], row["setting_value"]])
    )
    const claims = await sql("SELECT * FROM port_claims")
    expect(settings.get("theme")).toBe("dark")
    for (const row of claims) expect(settings.get(`port_${row["claim_key"]}`)).toBe(String(row["port"]))
    settings.delete("theme")
    expect(claims.length).toBe(new Set(settings.values()).size)
    expect((await sql("SELECT * FROM port_history")).length).toBeGreaterThan(FRAMES / 400)
  })
})

describe("the command line", () => {
  it(`takes ${LISTS} lists of any words for what they are`, () => {
    const random = randomFrom(SEED)
    for (let count = 0; count < LISTS; count++) {
      const list = words(random)
      const invocation = parseArgv(list)
      if (invocation._tag === "Wrong") {
        const { code, hint, message } = invocation
        expect([list, EXIT_CODES[code]]).toEqual([list, 2])
        for (const said of [message, hint]) {
          if (CONTROL.test(said) || said.includes("\n") || said === "" || said.length > 1000)
            throw new Error(`SEED=${SEED}: d ${JSON.stringify(list)} is told ${JSON.stringify(said)}`)
        }
      } else if (invocation._tag === "Run") {
        const command = invocation.command.name
        if (!isRegistryCommand(command)) continue
        const decoded = Effect.runSync(Effect.either(decodePayload(command, invocation.payload)))
        if (decoded._tag === "Left") expect(["Invalid", "MissingArgument"]).toContain(decoded.left._tag)
      }
    }
  })

  it(`ends ${STARTS} of them with a documented code, and says nothing where it fails`, {
    timeout: 60_000 + 1000 * STARTS
  }, async () => {
    console.log(`SEED=${SEED}`)
    const random = randomFrom(SEED)
    const box = machine({ AUTOMATELINUX_DAEMON: "never", ...RANGES })
    const lists = Array.from({ length: STARTS }, () => {
      for (;;) {
        const list = words(random)
        const parsed = parseArgv(list)
        const command = parsed._tag === "Run" ? parsed.command.name : undefined
        // Most are refused before anything is started; those were looked at above. d watch --json does not end by itself.
        if (command === "watch" || (command === undefined && random() < 0.95)) continue
        return { command, list }
      }
    })
    const start = async ({ command, list }: (typeof lists)[number]) => {
      const { code, stderr, stdout } = await box.d(...list)
      const told = `SEED=${SEED}: d ${JSON.stringify(list)} ended with ${code}: ${JSON.stringify(stderr)}`
      expect([0, 1, 2, 3, ...(list.includes("run") ? [125, 126, 127] : [])], told).toContain(code)
      expect(stderr, told).not.toMatch(/\n +at |this is a bug/)
      expect(stderr, told).not.toMatch(CONTROL)
      // With --strict, what doctor finds ends it with 1, and is its answer all the same; and so is what check finds.
      const answers = command === "check" || (command === "doctor" && list.includes("--strict"))
      const found = code === 1 && answers && stderr === ""
      if (code !== 0 && !found) {
        expect(stdout, told).toBe("")
        // What follows the program of run is its own.
        if (command !== undefined && command !== "run" && list.includes("--json"))
          expect(JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? ""), told).toHaveProperty("error.code")
      }
    }
    while (lists.length > 0) await Promise.all(lists.splice(0, 4).map(start))
    expect(await box.ok("listPorts")).toContain("KEY")
  })
})

describe("what garbage has found", () => {
  let daemon: Daemon | undefined
  const deep = (open: string, inside: string, close: string, depth: number) =>
    open.repeat(depth) + inside + close.repeat(depth)
  const LIST = deep("[", "", "]", 30_000)
  const OBJECT = deep('{"a":', "1", "}", 9000)

  it.each([
    ["a deep list of names", `{"command":"release","app":${LIST}}`, "ERROR: app an object or a list is not text"],
    [
      "a deep object for names",
      `{"command":"release","app":${OBJECT}}`,
      "ERROR: app an object or a list is neither a name nor a list of names"
    ],
    ["a number for names", `{"command":"release","app":5}`, "ERROR: app 5 is neither a name nor a list of names"],
    ["a deep key", `{"command":"getPort","key":${OBJECT}}`, "ERROR: key an object or a list is not text"],
    [
      "a deep mode",
      `{"command":"getPort","mode":${OBJECT}}`,
      "ERROR: mode an object or a list is not a mode: write prod or dev"
    ],
    [
      "a deep switch",
      `{"command":"allocate","dryRun":${LIST}}`,
      "ERROR: dryRun an object or a list is neither true nor false"
    ],
    [
      "a command of several lines",
      `{"command":"a\\nb\\u001b[31m\\u009b"}`,
      'Unknown command: "a\\nb\\u001b[31m\\u009b"'
    ],
    [
      "a key with an escape",
      `{"command":"getPort","key":"\\u009b"}`,
      "ERROR: key \"\\u009b\" is not a key: use letters, digits, '.', '_' and '-', beginning with a letter or a digit"
    ]
  ])("is refused: %s", async (_, request, reply) => {
    daemon ??= await startDaemon(machine(RANGES), true)
    const talker = new Talker(daemon.socket)
    onTestFinished(() => talker.close())
    expect(await talker.say(Buffer.from(request))).toBe(`${reply}\n`)
    expect(daemon.log()).not.toContain("ERROR")
  })
})
