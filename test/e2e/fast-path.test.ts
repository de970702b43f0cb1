import fc from "fast-check"
import { beforeAll, expect, it } from "vitest"
import { type Machine, startDaemon } from "../support/cli.ts"
import { inProcess } from "../support/inProcess.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "17700-17799", AUTOMATELINUX_SPECIAL_RANGE: "17800-17899" }

let box: Machine

beforeAll(async () => {
  // After its first tick, before there is any port, the daemon shall not look again.
  box = inProcess({ ...RANGES, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  await startDaemon(box, true)
  await box.ok("allocate", "--app", "cad", "--app", "loom", "--special", "bridge", "--description", "a ☕ b")
  await box.ok("setPort", "--key", "loom-dev", "--value", "9000")
  await box.ok("setPort", "--key", "cad-prod", "--value", "9001")
})

const name = fc.constantFrom(
  "cad",
  "cad-dev",
  "cad-prod",
  "loom",
  "loom-dev",
  "bridge",
  "nobody",
  "CAD",
  "",
  "a b",
  "-x",
  "--key",
  "ü"
)
const option = fc.oneof(
  fc.tuple(fc.constantFrom("--key", "--app", "--special", "--to"), name).map(([flag, value]) => [flag, value]),
  fc.tuple(fc.constantFrom("--key", "--app", "--mode"), name).map(([flag, value]) => [`${flag}=${value}`]),
  fc.constantFrom("prod", "dev", "test").map((mode) => ["--mode", mode]),
  fc.constantFrom("up", "unknown", "sick").map((health) => ["--health", health]),
  fc.constantFrom(
    ["--json"],
    ["--dry-run"],
    ["--help"],
    ["--"],
    ["--nonsense"],
    ["--Key", "cad-dev"],
    ["stray"],
    ["--key"]
  )
)
const words = fc
  .tuple(
    fc.constantFrom([], ["send"]),
    fc.constantFrom("getPort", "getPort", "getPort", "listPorts", "release", "allocate"),
    fc.array(option, { maxLength: 3 })
  )
  // Nothing that changes what the next one finds: only a rehearsal of allocate, only a release of nobody.
  .map(([send, command, options]) =>
    command === "allocate"
      ? [...send, command, "--dry-run", ...options.flat()]
      : command === "release"
        ? [...send, command, "--app", "nobody"]
        : [...send, command, ...options.flat()]
  )

const LISTS = fc.sample(words, { numRuns: 80, seed: 4711 })

it.each(LISTS.map((list) => [list]))("d %j says the same over the socket and in process", async (list) => {
  const [fast, long] = [await box.d(...list), await box.with({ AUTOMATELINUX_DAEMON: "never" }).d(...list)]
  expect(fast).toEqual(long)
})

it("has successes and failures of every kind among them", async () => {
  const codes = new Set((await Promise.all(LISTS.slice(0, 40).map((list) => box.d(...list)))).map((run) => run.code))
  expect(codes).toEqual(new Set([0, 1, 2]))
})
