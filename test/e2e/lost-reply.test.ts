import { describe, expect, it } from "vitest"
import { type Machine, startDaemon } from "../support/cli.ts"
import { mariadb, sqlite, type TestDatabase } from "../support/databases.ts"
import { inProcess } from "../support/inProcess.ts"
import { MariaDb } from "../support/mariadb.ts"
import { type RequestFate, replyProxy } from "../support/proxy.ts"
import { Talker } from "../support/socketClient.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "26400-26499", AUTOMATELINUX_SPECIAL_RANGE: "26500-26599" }
const PORTS = [
  ...["a", "b", "c"].map((key, index) => [key, 26_510 + index] as const),
  ["pair-prod", 26_480] as const,
  ["pair-dev", 26_481] as const
]

/** A machine with a daemon, and the same seen through a way to it on which every reply is lost. */
const lossy = async (database: TestDatabase, fate: RequestFate, meanwhile?: (box: Machine) => Promise<unknown>) => {
  const box = inProcess({ ...RANGES, ...(await database.fresh()) })
  for (const [key, port] of PORTS) await box.ok("setPort", "--key", key, "--value", String(port))
  await box.ok("reserve", "--port", "26590", "--reason", "held")
  const daemon = await startDaemon(box)
  const way = await replyProxy(
    daemon.socket,
    () => fate,
    () => meanwhile?.(box) ?? Promise.resolve()
  )
  return { box, daemon, through: box.with({ AUTOMATELINUX_PORTS_SOCKET: way }) }
}

interface Case {
  readonly words: string
  /** What another client has done, and been told, before the first one finds its reply lost. */
  readonly meanwhile: ReadonlyArray<string>
  readonly printed: RegExp
  /** What is left in the end, by `getPort`. */
  readonly left: Readonly<Record<string, string | undefined>>
}

const CASES: ReadonlyArray<Case> = [
  {
    // The reservation, and not what was done since.
    words: "undo",
    meanwhile: ["setPort --key a --value 26530"],
    printed: /^took back \d+: reserve by .*\n26590: not reserved/,
    left: { a: "26530" }
  },
  {
    words: "undo",
    meanwhile: ["redo"],
    printed: /26590: not reserved/,
    left: {}
  },
  {
    words: "setPort --key a --value 26520",
    meanwhile: ["setPort --key a --value 26530"],
    printed: /26520/,
    left: { a: "26530" }
  },
  {
    words: "setPort --key new --value 26520",
    meanwhile: ["deletePort --key new", "setPort --key other --value 26520"],
    printed: /26520/,
    left: { new: undefined, other: "26520" }
  },
  {
    words: "allocate --app cad --special s",
    meanwhile: ["release --app cad --special s", "allocate --app shop --special t"],
    printed: /cad-prod 26400\ncad-dev 26401\ns 26500/,
    left: { "cad-dev": undefined, s: undefined, "shop-dev": "26401", t: "26500" }
  },
  {
    words: "deletePort --key a",
    meanwhile: ["setPort --key a --value 26510"],
    printed: /^/,
    left: { a: "26510" }
  },
  {
    words: "release --special b",
    meanwhile: ["setPort --key b --value 26550"],
    printed: /b 26511/,
    left: { b: "26550" }
  },
  {
    words: "rename --key c --to d",
    meanwhile: ["rename --key d --to c"],
    printed: /26512/,
    left: { c: "26512", d: undefined }
  },
  {
    words: "rename --app pair --to couple",
    meanwhile: ["rename --app couple --to pair", "setPort --key pair-dev --value 26485"],
    printed: /^couple-prod 26480\ncouple-dev 26481\n$/,
    left: { "pair-prod": "26480", "pair-dev": "26485", "couple-prod": undefined }
  },
  {
    words: "rename pair couple",
    meanwhile: ["release --app couple", "allocate --special couple"],
    printed: /^couple-prod 26480\ncouple-dev 26481\n$/,
    left: { "pair-prod": undefined, couple: "26500" }
  },
  {
    words: "describe pair mine",
    meanwhile: ["describe pair theirs"],
    printed: /^Description set for pair-prod\nDescription set for pair-dev\n$/,
    left: { "pair-prod": "26480" }
  },
  {
    words: "reserve --port 26591 --reason mine",
    meanwhile: ["reserve --port 26591 --reason theirs"],
    printed: /26591/,
    left: {}
  },
  {
    words: "reserve 26580-26589,26591 --reason mine",
    meanwhile: ["unreserve 26582", "reserve 26591 --reason theirs"],
    printed: /^26580-26589,26591 reserved: mine\n$/,
    left: {}
  },
  {
    words: "unreserve --port 26590",
    meanwhile: ["reserve --port 26590 --reason again"],
    printed: /26590/,
    left: {}
  }
]

const words = (line: string) => line.split(" ")

const ask = async ({ socket }: { readonly socket: string }, request: object) => {
  const talker = new Talker(socket)
  const reply = JSON.parse(await talker.say(Buffer.from(JSON.stringify({ format: "json", ...request }))))
  talker.close()
  return reply
}

/** What was done, as the history tells, but for who did it. */
const historyOf = async (daemon: { readonly socket: string }, key: string) => {
  const { result } = await ask(daemon, { command: "explain", key })
  return (result.history as ReadonlyArray<{ what: string }>).map(({ what }) => what)
}

describe.each([sqlite, mariadb])("a reply that is lost, on $name", (database) => {
  it.each(CASES)("does not undo what came after: $words", async ({ left, meanwhile, printed, words: line }) => {
    let others = 0
    const { box, through } = await lossy(database, "lost", async (box) => {
      for (const each of meanwhile) await box.ok(...words(each))
      others++
    })
    const run = await through.d(...words(line))
    expect(others).toBe(1)
    expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(printed) })
    for (const [key, port] of Object.entries(left)) {
      const { stdout } = await box.d("getPort", "--key", key)
      expect([key, stdout]).toEqual([key, port === undefined ? "" : `${port}\n`])
    }
    if (line.includes("2659")) {
      const port = Number(/2659\d/.exec(line)?.[0])
      const reason = /reason (\w+)/.exec(meanwhile.at(-1) ?? "")?.[1]
      const { place } = JSON.parse(await box.ok("explain", "--port", String(port), "--json"))
      expect(place).toContain(`it is reserved: ${reason}`)
    }
  })

  it.each(CASES)("is made once if the daemon never heard of it: $words", async ({ printed, words: line }) => {
    const { daemon, through } = await lossy(database, "never")
    expect(await through.d(...words(line))).toMatchObject({ code: 0, stdout: expect.stringMatching(printed) })
    if (line.endsWith("--to d")) expect(await historyOf(daemon, "d")).toEqual(["rename", "set"])
  })

  it("is made once under one number, whoever asks and how often", async () => {
    const { daemon } = await lossy(database, "pass")
    const operation = "0b9c4b0e-58f7-4a5e-9a53-6a6f1a3f7c11"
    const set = { operation, command: "setPort", key: "many", value: 26_540 }
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask(daemon, set)))
    for (const { ok, result } of replies) expect([ok, result.port]).toEqual([true, 26_540])
    expect(await historyOf(daemon, "many")).toEqual(["set"])
    expect((await ask(daemon, { ...set, value: 26_541, operation: `${operation.slice(0, -1)}2` })).ok).toBe(true)
    expect((await ask(daemon, set)).result.port).toBe(26_540)
    expect(await historyOf(daemon, "many")).toEqual(["set", "set"])
    for (const wrong of ["short", "x".repeat(37), "'; DROP TABLE settings", 7, {}]) {
      expect((await ask(daemon, { ...set, operation: wrong })).error).toMatchObject({ code: "invalid" })
    }
  })

  it("answers again what it has assigned as that", async () => {
    const { through } = await lossy(database, "lost")
    const { assignments } = JSON.parse(await through.ok("allocate", "--app", "cad", "--special", "a", "--json"))
    expect(assignments).toEqual([
      { key: "cad-prod", port: 26_400, created: true },
      { key: "cad-dev", port: 26_401, created: true },
      { key: "a", port: 26_510, created: false }
    ])
  })

  it("says so if part of what was assigned is gone, and assigns nothing in its place", async () => {
    const { box, through } = await lossy(database, "lost", async (box) => {
      await box.ok("release", "--app", "old")
    })
    await box.ok("allocate", "--app", "old")
    const run = await through.d("allocate", "--app", "old", "--app", "new")
    expect(run).toMatchObject({ code: 3, stdout: "" })
    expect(run.stderr).toMatch(/the change was made, and another one has undone part of it since/)
    expect(await box.ok("getPort", "--key", "new-dev")).toBe("26403\n")
    expect((await box.d("getPort", "--key", "old-dev")).code).toBe(1)
  })

  it("renames nothing that came to an app only afterwards", async () => {
    const { box, through } = await lossy(database, "lost", async (box) => {
      await box.ok("setPort", "--key", "half-prod", "--value", "26482")
    })
    await box.ok("setPort", "--key", "half-dev", "--value", "26483")
    expect(await through.d("rename", "half", "whole")).toMatchObject({ code: 3, stdout: "" })
    expect(await box.ok("getPort", "--key", "half-prod")).toBe("26482\n")
    expect(await box.ok("getPort", "--key", "whole-dev")).toBe("26483\n")
  })
})

it("is left open, and not called a failure, if the database is away by then", async () => {
  const server = await MariaDb.start()
  const database = {
    name: "MariaDB",
    fresh: async () => ({ AUTOMATELINUX_DATABASE_URL: await server.database("gone") })
  }
  const { through } = await lossy(database, "lost", () => server.kill())
  const run = await through
    .with({ AUTOMATELINUX_DATABASE_TIMEOUT: "1 seconds" })
    .d("setPort", "--key", "a", "--value", "26520")
  expect(run).toMatchObject({ code: 3, stdout: "" })
  expect(run.stderr).toMatch(/cannot tell whether the change was made: the daemon accepted the command/)
})
