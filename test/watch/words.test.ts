import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { expect, it, onTestFinished } from "vitest"
import type { Results } from "../../src/commands/Results.ts"
import { machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { serve } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "23300-23319", AUTOMATELINUX_SPECIAL_RANGE: "23320-23339" }

it("prints the list once, below a header", async () => {
  const box = inProcess({ ...RANGES, AUTOMATELINUX_HOST: "box" })
  await box.ok("allocate", "cad", "--special", "proxy")
  const [header = "", ...list] = (await box.ok("watch", "--once", "--app", "cad")).split("\n")
  expect(header).toMatch(/^d watch --app cad {2}box {2}2 unknown {2}\d\d:\d\d:\d\d {2}no daemon {2}by port$/)
  expect(list.join("\n")).toBe(await box.ok("listPorts", "--app", "cad"))
  expect(await box.ok("watch", "--once", "--health", "up")).toMatch(
    /^d watch --health up {2}box {2}no ports .*\nKEY .*\n$/
  )
})

it("prints the document of the list once", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "cad")
  expect(await box.ok("watch", "--once", "--json")).toBe(await box.ok("listPorts", "--json"))
})

it.each([
  [["watch"], "watch needs a terminal, and standard output is none", "d watch --once, or d watch --json"],
  [["watch", "--interval", "soon"], 'interval "soon" is not a time', "d watch --help"],
  [["watch", "--interval", "5ms"], "interval 5ms is too short: it is at least 100ms", "d watch looks every second"],
  [["watch", "--once", "--interval", "5s"], "interval does not go with once", "d watch --once"],
  [["watch", "--json", "--health", "up"], "health does not go with json", "d watch --json"],
  [["watch", "--once", "--health", "fine"], "health", "d listPorts --help"],
  [["watch", "--once", "--app", "a b"], "app", ""],
  [["watch", "cad"], 'unexpected argument "cad"', ""]
])("refuses d %j", async (words, message, hint) => {
  const { code, stderr, stdout } = await inProcess(RANGES).d(...words)
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
  expect(stderr).toContain(message)
  expect(stderr).toContain(hint)
})

it("ends with the error if the registry cannot be read at the start", async () => {
  const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: "mysql://nobody@127.0.0.1:9/none" })
  const { code, stderr, stdout } = await box.d("watch", "--once")
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
  expect(stderr).toMatch(/^error: .*\nhint: /)
})

interface Line {
  readonly at: string
  readonly change: string
  readonly key?: string
  readonly before?: Results["listPorts"][number] | null
  readonly after?: Results["listPorts"][number] | null
  readonly assignments?: Results["listPorts"]
}

it("prints the list and then each change, as a document per line, until its reader has enough", async () => {
  const box = machine(RANGES)
  await box.ok("allocate", "cad")
  await startDaemon(box)
  const child = spawn(process.execPath, [PROGRAM, "watch", "--json", "--interval", "100ms"], {
    env: box.env,
    cwd: box.home,
    stdio: ["ignore", "pipe", "inherit"]
  })
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)))
  onTestFinished(async () => {
    child.kill("SIGKILL")
    await ended
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Line> => JSON.parse((await lines.next()).value)
  /** The first line that a change makes. The daemon may learn about the health of a port in between. */
  const nextOf = async (change: string): Promise<Line> => {
    for (;;) {
      const line = await next()
      if (line.change === change) return line
    }
  }
  const first = await next()
  expect(first.change).toBe("list")
  expect(new Date(first.at).toISOString()).toBe(first.at)
  expect(first.assignments?.map(({ key }) => key)).toEqual(["cad-prod", "cad-dev"])
  const { pid, stop } = await serve(23_301)
  expect(await nextOf("up")).toMatchObject({ key: "cad-dev", after: { port: 23_301, listener: { pid } } })
  await stop()
  expect(await nextOf("down")).toMatchObject({
    key: "cad-dev",
    before: { listener: { pid } },
    after: { listener: null }
  })
  await box.ok("allocate", "--special", "proxy")
  expect(await nextOf("new")).toMatchObject({ key: "proxy", before: null, after: { port: 23_320 } })
  await box.ok("set", "proxy", "23330")
  expect(await nextOf("moved")).toMatchObject({ before: { port: 23_320 }, after: { port: 23_330 } })
  await box.ok("release", "--special", "proxy")
  expect(await nextOf("gone")).toMatchObject({ key: "proxy", after: null })
  // As head does.
  child.stdout.destroy()
  await box.ok("allocate", "--special", "proxy")
  expect(await ended).toBe(0)
})
