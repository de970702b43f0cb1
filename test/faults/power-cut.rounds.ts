import { join } from "node:path"
import { beforeAll, expect, it } from "vitest"
import { collectGarbage, type Database } from "../../src/store/sqlite/binding.ts"
import { machine } from "../support/cli.ts"
import { temporary } from "../support/root.ts"
import { withSqlite } from "../support/sqlite.ts"
import { ENV, times } from "./faultRun.ts"
import { cutAfter, type Event, record } from "./powerCut.ts"
import { randomFrom } from "./workload.ts"

const FEW = 200
const CUTS = FEW * Number(process.env["ROUNDS"] ?? 1)

/** Key → port, as `d` has said it. */
const saidBy = (events: ReadonlyArray<Event>): ReadonlyMap<string, number> =>
  new Map(
    events
      .flatMap((event) => (event._tag === "Say" ? event.text.trim().split("\n") : []))
      .map((line): [string, number] => [line.split(" ")[0] ?? "", Number(line.split(" ")[1])])
  )

/** What is wrong with the registry that is left after a cut. */
const wrongIn = (file: string, said: ReadonlyMap<string, number>): ReadonlyArray<string> => {
  try {
    return withSqlite(file, (database) => wrongWith(database, said))
  } catch (error) {
    return [String(error)]
  }
}

const wrongWith = (database: Database, said: ReadonlyMap<string, number>): ReadonlyArray<string> => {
  const rows = (sql: string) => database.prepare(sql).all() as ReadonlyArray<Record<string, unknown>>
  const damage = rows("PRAGMA integrity_check").map((row) => String(row["integrity_check"]))
  if (damage.join() !== "ok") return damage
  if (rows("SELECT 1 FROM sqlite_master WHERE name = 'settings'").length === 0)
    return said.size === 0 ? [] : ["there is no table"]
  const ports = new Map(
    rows("SELECT setting_key AS k, setting_value AS v FROM settings").map(({ k, v }) => [
      String(k).slice("port_".length),
      Number(v)
    ])
  )
  const claims = new Map(
    rows("SELECT claim_key AS k, port AS v FROM port_claims").map(({ k, v }) => [String(k), Number(v)])
  )
  return [
    ...[...said].filter(([key, port]) => ports.get(key) !== port).map(([key]) => `${key} is lost`),
    ...[...ports].filter(([key, port]) => claims.get(key) !== port).map(([key]) => `${key} has no claim`)
  ]
}

let events: ReadonlyArray<Event>

beforeAll(() => {
  const file = join(temporary(), "made", "ports.sqlite")
  const box = machine({ ...ENV, AUTOMATELINUX_DATABASE_URL: `sqlite:${file}`, AUTOMATELINUX_DAEMON: "never" })
  events = record(
    box,
    file,
    times(4, (app) => `allocate --app a${app}`)
  )
})

/** What is wrong after cuts at any moment of what was recorded. */
const cuts = async (recorded: ReadonlyArray<Event>, count: number): Promise<ReadonlyArray<string>> => {
  const random = randomFrom(4711)
  const wrong: Array<string> = []
  for (let cut = 0; cut < count; cut++) {
    const before = recorded.slice(0, Math.floor(random() * (recorded.length + 1)))
    const directory = join(temporary(), "cut")
    cutAfter(before, directory, random)
    wrong.push(...wrongIn(join(directory, "ports.sqlite"), saidBy(before)))
    // A driver that closes late would run out of descriptors.
    if (cut % 100 === 0) await collectGarbage()
  }
  return wrong
}

it("records what happens on the way to the disk", () => {
  expect(saidBy(events).size).toBe(8)
  const kinds = new Set(events.map(({ _tag }) => _tag))
  expect([...kinds].sort()).toEqual(["Create", "Remove", "Say", "Sync", "Truncate", "Write"])
})

it("keeps what was acknowledged when the power goes, at any moment", async () => {
  expect(await cuts(events, CUTS)).toEqual([])
})

it("catches a registry that does not wait for the disk", async () => {
  const never = events.filter(({ _tag }) => _tag !== "Sync")
  expect((await cuts(never, FEW)).length).toBeGreaterThan(0)
  const unsynced = events.filter((event) => event._tag !== "Sync" || !event.path.endsWith("-wal"))
  expect((await cuts(unsynced, FEW)).length).toBeGreaterThan(0)
})
