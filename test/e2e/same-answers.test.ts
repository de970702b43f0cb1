import { beforeAll, expect, it } from "vitest"
import { type Machine, startDaemon } from "../support/cli.ts"
import { mariadb, sqlite, type TestDatabase } from "../support/databases.ts"
import { inProcess, wordsOf } from "../support/inProcess.ts"
import { at, NINE_ROWS, rangesEnv } from "../support/ports.ts"

let boxes: ReadonlyArray<Machine>

beforeAll(async () => {
  // After its first tick, before there is any port, the daemon shall not look again.
  const box = async (database: TestDatabase) =>
    inProcess({ ...rangesEnv, ...(await database.fresh()), AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  const served = [await box(sqlite), await box(mariadb)]
  for (const each of served) await startDaemon(each, true)
  boxes = [await box(sqlite), await box(mariadb), ...served]
})

/** A life of the registry, successes and failures, in this order. */
const COMMANDS: ReadonlyArray<string> = [
  "listPorts",
  "getPort --key cad-dev",
  ...NINE_ROWS.map(
    ([key, port, description]) => `setPort --key ${key} --value ${port} --description '${description} ☕'`
  ),
  "allocate --app cad --app newapp --app loom --special pt-proxy",
  "allocate --app cad --description late",
  `setPort --key pt --value ${at(3001)}`,
  `setPort --key pt --value ${at(3001)} --force`,
  "setPort --key cad --value 3306",
  "setPort --key CAD --value 9001",
  "setPort --key pt-dev --description ''",
  "deletePort --key cad-dev",
  "deletePort --key cad-dev",
  "rename --key pt --to pt2",
  "rename --key pt2 --to loom-dev",
  "allocate --app cad",
  "rename cad pt2",
  "rename --app cad --to kad",
  "rename --app kad --to cad",
  "describe cad 'both ☕'",
  "describe --app cad --description ''",
  "reserve --port 4000 --reason because",
  "unreserve --port 4000",
  "unreserve --port 4000",
  "reserve 4001-4010,4020 --reason range",
  "unreserve 4009-4012",
  "unreserve 4011-4012",
  "unreserve 4001-4020",
  "listReserved --all",
  "pin loom pt2",
  "pin nobody",
  "listPorts",
  "unpin --key loom-dev --key pt2",
  "listPorts --stale",
  "listPorts --mine",
  "listPorts --host nobody --app cad",
  "prune",
  "prune --all --yes",
  "prune pt2 nothing",
  "release --app newapp --app nobody",
  "allocate --app newapp --dry-run",
  "getPort --app loom --mode prod",
  "getPort --key cad",
  "listPorts --app loom",
  "listPorts",
  "getPort --key ..",
  "getPort --app loom",
  "setPort --key a --value 0",
  "allocate",
  "listPorts --health up",
  "version",
  "listCommands"
]

it.each(COMMANDS.flatMap((line) => [line, `${line} --json`]))(
  "d %s is the same to the byte on both databases, with a daemon and without",
  async (line) => {
    const [one, ...others] = await Promise.all(boxes.map((box) => box.d(...wordsOf(line))))
    expect(others).toEqual(others.map(() => one))
  }
)
