import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { startDaemon } from "../support/cli.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { until } from "../support/doctor.ts"
import { git, repository } from "../support/git.ts"
import { inProcess } from "../support/inProcess.ts"
import { registryLayer } from "../support/registry.ts"
import { temporary } from "../support/root.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "30460-30479", AUTOMATELINUX_SPECIAL_RANGE: "30480-30489" }

const NONE = "note: no key matches these options\n"

describe.each([sqlite, mariadb])("listPorts on $name", (database) => {
  const setUp = async () => {
    const env = { ...RANGES, AUTOMATELINUX_HOST: "box", ...(await database.fresh()) }
    const box = inProcess(env)
    const listed = async (...words: ReadonlyArray<string>): Promise<ReadonlyArray<string>> =>
      JSON.parse(await box.ok("listPorts", ...words, "--json")).map(({ key }: { key: string }) => key)
    const sql = (text: string) =>
      Effect.runPromise(
        Effect.flatMap(SqlClient.SqlClient, (client) => client.unsafe(text)).pipe(
          Effect.provide(registryLayer({ ...box.env }))
        )
      )
    return { box, listed, sql }
  }

  it("chooses what a host has claimed, seen or has a directory of", async () => {
    const { box, listed, sql } = await setUp()
    const web = box.with({ AUTOMATELINUX_HOST: "web" })
    await box.ok("allocate", "--app", "cad", "--special", "owned", "--special", "seen", "--special", "down")
    await web.ok("allocate", "--special", "claimed")
    await web.ok("setPort", "--key", "owned", "--dir", temporary())
    const probed = (key: string, port: number, lastUp: string) =>
      sql(
        `INSERT INTO port_health VALUES ('web', ${port}, '${key}', 'down', '2026-01-01T00:00:00.000Z', ${lastUp}, 3, 0, NULL)`
      )
    await probed("seen", 30_481, "'2026-01-01T00:00:00.000Z'")
    await probed("down", 30_482, "NULL")
    expect(await listed("--host", "web")).toEqual(["owned", "seen", "claimed"])
    expect(await listed("--host", "box")).toEqual(["cad-prod", "cad-dev", "owned", "seen", "down"])
    expect(await listed("--host", "box", "--app", "cad", "--health", "unknown")).toEqual(["cad-prod", "cad-dev"])
    expect(await box.d("listPorts", "--host", "nobody")).toEqual({
      code: 0,
      stdout: "KEY  PORT  KIND  HEALTH  DESCRIPTION\n",
      stderr: NONE
    })
    expect(await box.d("listPorts", "--host", "nobody", "--json")).toEqual({ code: 0, stdout: "[]\n", stderr: NONE })
  })

  it("chooses the keys of the current project, and of its worktrees", async () => {
    const { box, listed } = await setUp()
    const main = repository()
    writeFileSync(join(main, "package.json"), '{"name":"cad"}')
    const inside = join(main, "trees/inner")
    const outside = join(temporary(), "outer")
    for (const [branch, path] of [
      ["inner", inside],
      ["outer", outside]
    ] as const)
      git(main, "worktree", "add", "-q", "-b", branch, path)
    const web = join(main, "apps/web")
    mkdirSync(web, { recursive: true })
    writeFileSync(join(web, "package.json"), '{"name":"web"}')
    for (const directory of [main, inside, outside, web, temporary()]) await box.ok("claim", "--dir", directory)
    const mineIn = async (directory: string): Promise<ReadonlyArray<string>> =>
      JSON.parse((await box.sh(`cd '${directory}' && d listPorts --mine --json`)).stdout || "[]").flatMap(
        ({ app, kind }: { app: string; kind: string }) => (kind === "dev" ? app : [])
      )
    expect(await mineIn(web)).toEqual(["web"])
    expect((await mineIn(main)).toSorted()).toEqual([
      "cad",
      expect.stringMatching(/\.inner$/),
      expect.stringMatching(/\.outer$/),
      "web"
    ])
    expect(await mineIn(inside)).toEqual([expect.stringMatching(/\.inner$/)])
    expect(await mineIn(outside)).toEqual([expect.stringMatching(/\.outer$/)])
    expect(await mineIn(temporary())).toEqual([])
    expect((await box.sh(`cd '${temporary()}' && d ls --mine`)).stderr).toBe(NONE)
    expect(await listed("--app", "cad")).toEqual(["cad-prod", "cad-dev"])
  })

  it("chooses what prune would release because it is stale", async () => {
    const env = { ...RANGES, ...(await database.fresh()) }
    const box = inProcess({ ...env, AUTOMATELINUX_PROBE_INTERVAL: "200 millis", AUTOMATELINUX_STALE_AFTER: "1 second" })
    await box.ok("allocate", "--app", "cad", "--special", "old", "--special", "pinned")
    await box.ok("pin", "pinned")
    await startDaemon(box)
    await until(
      () => box.ok("listPorts", "--health", "stale"),
      (table) => /cad-prod[\s\S]*old[\s\S]*pinned/.test(table)
    )
    expect(await box.ok("listPorts", "--stale")).toMatch(/^KEY .*\nold .* stale\n$/)
    await box.ok("unpin", "pinned")
    expect(await box.ok("ls", "--stale")).toMatch(/^KEY .*\nold .* stale\npinned .* stale\n$/)
    expect((await box.d("ls", "--stale", "--app", "cad")).stderr).toBe(NONE)
  })
})
