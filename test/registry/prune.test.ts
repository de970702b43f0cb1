import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { describe, expect, it, onTestFinished } from "vitest"
import type { Results } from "../../src/commands/Results.ts"
import { Operation } from "../../src/domain/Operation.ts"
import { Listeners } from "../../src/machine/Listeners.ts"
import { makePruning } from "../../src/registry/pruning.ts"
import { Store } from "../../src/store/Store.ts"
import type { Machine } from "../support/cli.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { serve } from "../support/doctor.ts"
import { git, repository } from "../support/git.ts"
import { inProcess } from "../support/inProcess.ts"
import { registryLayer } from "../support/registry.ts"
import { temporary } from "../support/root.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "30360-30419", AUTOMATELINUX_SPECIAL_RANGE: "30420-30449" }
const HOST = "box"
const DAY = 86_400_000
const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString()

const TABLES = ["settings", "port_claims", "port_keys", "port_owners", "port_reserved"]

describe.each([sqlite, mariadb])("prune on $name", (database) => {
  const setUp = async () => {
    const box = inProcess({ ...RANGES, AUTOMATELINUX_HOST: HOST, ...(await database.fresh()) })
    const runtime = ManagedRuntime.make(registryLayer(box.env))
    onTestFinished(() => runtime.dispose())
    const sql = (text: string) =>
      runtime.runPromise(Effect.flatMap(SqlClient.SqlClient, (client) => client.unsafe<Record<string, unknown>>(text)))
    /** Everything that a registry is, but for its history, to the byte. */
    const dump = async () => {
      const tables = await Promise.all(TABLES.map((table) => sql(`SELECT * FROM ${table}`)))
      const rules = await sql("SELECT * FROM port_registry WHERE name LIKE 'ignored:%' OR name LIKE 'pin:%'")
      return [...tables, rules].map((rows) => rows.map((row) => JSON.stringify(row)).sort())
    }
    const events = async () => Number((await sql("SELECT COUNT(*) AS n FROM port_history"))[0]?.["n"])
    const portOf = async (key: string) => Number(await box.ok("getPort", "--key", key))
    /** Stores that a daemon has seen the port of a key so, on `host`. */
    const probed = async (key: string, state: string, lastUp: string | null = ago(40), host = HOST) => {
      const port = await portOf(key)
      await sql(`DELETE FROM port_health WHERE host = '${host}' AND port = ${port}`)
      await sql(
        `INSERT INTO port_health (host, port, \`key\`, state, since, last_up, failures, mark, listener) VALUES ('${host}', ${port}, '${key}', '${state}', '${ago(0)}', ${lastUp === null ? "NULL" : `'${lastUp}'`}, 3, 0, NULL)`.replaceAll(
          "`",
          database === sqlite ? '"' : "`"
        )
      )
    }
    const app = async (name: string, directory: string, state = "down") => {
      await box.ok("allocate", "--app", name, "--dir", directory)
      for (const mode of ["prod", "dev"]) await probed(`${name}-${mode}`, state)
    }
    const special = async (name: string, state: string) => {
      await box.ok("allocate", "--special", name)
      await probed(name, state)
    }
    const prune = async (...words: ReadonlyArray<string>) =>
      JSON.parse(await box.ok("prune", ...words, "--json")) as Results["prune"]
    return { box, sql, dump, events, portOf, probed, app, special, prune, runtime }
  }

  /** A directory that is missing, beside others. */
  const missing = (): string => {
    const parent = temporary()
    writeFileSync(join(parent, "other"), "")
    return join(parent, "gone")
  }

  const named = (list: ReadonlyArray<{ readonly key: string }>) => list.map(({ key }) => key).sort()
  const reasonsOf = ({ kept }: Results["prune"]) => Object.fromEntries(kept.map(({ key, reason }) => [key, reason]))

  /** A repository of the app `name` with a worktree, both claimed. */
  const withWorktree = async (box: Machine, name: string, branch: string) => {
    const main = join(temporary(), name)
    cpSync(repository(), main, { recursive: true })
    writeFileSync(join(main, "package.json"), JSON.stringify({ name }))
    const tree = join(temporary(), "tree")
    git(main, "worktree", "add", "-q", "-b", branch, tree)
    cpSync(join(main, "package.json"), join(tree, "package.json"))
    for (const directory of [main, tree]) await box.ok("claim", "--dir", directory)
    return { main, tree }
  }

  it("releases what is stale or gone, keeps everything else, and one undo brings all of it back", {
    timeout: 120_000
  }, async () => {
    const { app, box, dump, events, portOf, probed, prune, special, sql } = await setUp()
    const expected: Record<string, string> = {}
    const claimed = async (name: string, state = "down") => {
      for (const mode of ["prod", "dev"]) await probed(`${name}-${mode}`, state)
    }
    const kept = (name: string, reason: string) => {
      for (const mode of ["prod", "dev"]) expected[`${name}-${mode}`] = reason
    }
    // What goes.
    await app("gone", missing())
    await app("idle", temporary(), "stale")
    await special("old", "stale")
    const { main, tree } = await withWorktree(box, "cad", "fix/one")
    git(main, "worktree", "remove", "--force", tree)
    for (const name of ["cad", "cad.fix-one"]) await claimed(name)
    // A directory that may only be unmounted: what it was in is empty, or missing, or no directory.
    await app("unmounted", join(temporary(), "gone"), "stale")
    kept("unmounted", "doubt")
    await app("parentless", join(missing(), "gone"))
    kept("parentless", "doubt")
    await app("notdir", join(missing(), "../other/gone"))
    kept("notdir", "doubt")
    // Git still lists it, or does not say.
    const listed = await withWorktree(box, "listed", "x")
    rmSync(listed.tree, { recursive: true })
    await claimed("listed.x")
    kept("listed.x", "doubt")
    const broken = await withWorktree(box, "broken", "x")
    git(broken.main, "worktree", "remove", "--force", broken.tree)
    rmSync(join(broken.main, ".git/worktrees"), { recursive: true, force: true })
    writeFileSync(join(broken.main, ".git/worktrees"), "no directory")
    await claimed("broken.x")
    kept("broken.x", "doubt")
    // It was moved by git, and nothing was claimed from there yet.
    const moved = await withWorktree(box, "moved", "x")
    git(moved.main, "worktree", "move", moved.tree, join(temporary(), "elsewhere"))
    await claimed("moved.x")
    kept("moved.x", "doubt")
    // A clone, which git lists nowhere.
    const clone = join(temporary(), "clone")
    git(dirname(clone), "clone", "-q", main, clone)
    await app("clone", clone)
    // Pinned, one half or both.
    await special("pinned", "stale")
    await box.ok("pin", "pinned")
    expected["pinned"] = "pinned"
    await app("half", temporary(), "stale")
    await box.ok("pin", "--key", "half-prod")
    Object.assign(expected, { "half-prod": "pinned", "half-dev": "half" })
    // One half of it is in use as far as is known.
    await app("partly", temporary(), "stale")
    await probed("partly-dev", "down")
    expected["partly-prod"] = "half"
    // In use here, or not known.
    await app("served", missing())
    await serve(await portOf("served-dev"))
    Object.assign(expected, { "served-prod": "half", "served-dev": "up" })
    await app("unprobed", missing())
    await sql(`DELETE FROM port_health WHERE port = ${await portOf("unprobed-prod")}`)
    Object.assign(expected, { "unprobed-prod": "unknown", "unprobed-dev": "half" })
    await app("running", missing(), "up")
    kept("running", "up")
    await box.ok("allocate", "--app", "fresh", "--dir", missing())
    for (const mode of ["prod", "dev"]) await probed(`fresh-${mode}`, "down", null)
    kept("fresh", "new")
    // In use on other hosts.
    await special("yesterday", "stale")
    await probed("yesterday", "down", ago(1), "web")
    expected["yesterday"] = "seen-elsewhere"
    await special("elsewhere", "stale")
    await probed("elsewhere", "up", ago(0), "web")
    await sql(`INSERT INTO port_registry (name, value) VALUES ('watched:web', '1000 ${ago(0)} machine')`)
    expected["elsewhere"] = "up-elsewhere"
    await special("owned", "stale")
    await box.with({ AUTOMATELINUX_HOST: "web" }).ok("setPort", "--key", "owned", "--dir", temporary())
    expected["owned"] = "owned-elsewhere"
    await box.with({ AUTOMATELINUX_HOST: "web" }).ok("allocate", "--special", "theirs")
    await probed("theirs", "stale")
    expected["theirs"] = "claimed-elsewhere"
    // Nobody probes it, and it is nobody's.
    await sql("INSERT INTO settings (setting_key, setting_value) VALUES ('port_foreign', '30455')")

    const [before, count] = [await dump(), await events()]
    const dry = await prune()
    expect([await dump(), await events()]).toEqual([before, count])
    const going = ["cad.fix-one-dev", "cad.fix-one-prod", "gone-dev", "gone-prod", "idle-dev", "idle-prod", "old"]
    expect(named(dry.pruned)).toEqual(going)
    expect(reasonsOf(dry)).toEqual(expected)
    const evidence = (key: string) => dry.pruned.find((each) => each.key === key)?.evidence
    expect(evidence("old")).toMatch(/^stale since 2\S+Z; last up 2\S+Z$/)
    expect(evidence("idle-dev")).toMatch(/^stale since 2\S+Z; last up 2\S+Z; its directory \/\S+ is there$/)
    expect(evidence("gone-dev")).toMatch(/^its directory \/\S+\/gone is gone; last up 2\S+Z$/)
    expect(evidence("cad.fix-one-dev")).toMatch(
      /^its worktree \/\S+\/tree is gone, and git in \/\S+\/cad does not list it; last up /
    )

    const done = await prune("--yes")
    expect(done).toEqual({ ...dry, dryRun: false })
    for (const key of going) expect((await box.d("getPort", "--key", key)).code, key).toBe(1)
    const remaining = JSON.parse(await box.ok("listPorts", "--json")) as Results["listPorts"]
    expect(remaining).toHaveLength(before[0]?.length === undefined ? 0 : before[0].length - going.length)
    expect(await box.ok("history", "--limit", "1")).toMatch(/ prune .*: \d+ → none, .* and 4 more$/m)
    await box.ok("undo")
    // The row of the foreign program was adopted meanwhile.
    const adopted = (rows: ReadonlyArray<ReadonlyArray<string>>) =>
      rows.map((each) => each.filter((row) => !row.includes('"foreign"')))
    expect(adopted(await dump())).toEqual(adopted(before))
  })

  it("keeps what comes up between the list and the release, and says so", async () => {
    const { box, portOf, prune, special } = await setUp()
    await special("one", "stale")
    await special("two", "stale")
    expect(named((await prune()).pruned)).toEqual(["one", "two"])
    const two = await portOf("two")
    const server = await serve(await portOf("one"))
    const run = await box.d("prune", "--key", "one", "--key", "two", "--yes")
    expect(run).toMatchObject({ code: 0, stdout: `two ${two}\n` })
    expect(run.stderr).toMatch(new RegExp(`^note: one stays: it is up: .*, pid ${server.pid}, in `))
  })

  it("looks again for a directory at the moment of the change, and keeps what has come back or is in doubt", async () => {
    const { app, runtime } = await setUp()
    const directory = missing()
    await app("back", directory)
    /** Prunes, and does something after everything was looked at, and before it is decided. */
    const pruneAfter = (act: () => void) =>
      runtime.runPromise(
        Effect.gen(function* () {
          const store = yield* Store
          const decideKnowing: typeof store.decideKnowing = (decide, options) =>
            Effect.zipRight(Effect.sync(act), store.decideKnowing(decide, options))
          const listeners = yield* Listeners
          const prune = makePruning({ store: { ...store, decideKnowing }, listeners, here: HOST })
          return yield* prune({ keys: [], dryRun: false })
        })
      )
    expect(await pruneAfter(() => mkdirSync(directory))).toEqual({ pruned: [], kept: [] })
    rmSync(directory, { recursive: true })
    expect(await pruneAfter(() => rmSync(join(dirname(directory), "other")))).toMatchObject({
      pruned: [],
      kept: [{ key: "back-prod", stay: { why: "doubt", doubt: { why: "empty" } } }, { key: "back-dev" }]
    })
    writeFileSync(join(dirname(directory), "other"), "")
    expect(named((await pruneAfter(() => {})).pruned)).toEqual(["back-dev", "back-prod"])
  })

  it("answers again what it released before, and releases nothing more", async () => {
    const { portOf, runtime, special } = await setUp()
    await special("one", "stale")
    const port = await portOf("one")
    const once = runtime.runPromise(
      Effect.gen(function* () {
        const prune = makePruning({ store: yield* Store, listeners: yield* Listeners, here: HOST })
        return yield* prune({ keys: [], dryRun: false })
      }).pipe(Effect.provideService(Operation, "0123456789abcdef"))
    )
    expect((await once).pruned).toMatchObject([{ key: "one", port, reasons: ["stale"] }])
    await special("two", "stale")
    const again = await runtime.runPromise(
      Effect.gen(function* () {
        const prune = makePruning({ store: yield* Store, listeners: yield* Listeners, here: HOST })
        return yield* prune({ keys: [], dryRun: false })
      }).pipe(Effect.provideService(Operation, "0123456789abcdef"))
    )
    expect(again).toMatchObject({ pruned: [{ key: "one", port, reasons: [] }], kept: [] })
    expect(await portOf("two")).toBe(port)
  })

  it("says what it was asked for and does not release", async () => {
    const { app, box, prune, special } = await setUp()
    await special("used", "down")
    await app("gone", missing())
    const asked = await prune("used", "nothing", "gone-dev", "--yes")
    expect(named(asked.pruned)).toEqual(["gone-dev", "gone-prod"])
    expect(reasonsOf(asked)).toEqual({ used: "used", nothing: "no-port" })
    expect(await box.d("prune", "used")).toMatchObject({
      code: 0,
      stdout: "KEY  PORT  WHY\n",
      stderr: "note: used stays: it is neither stale, nor is its directory gone\nnote: there is nothing to release\n"
    })
  })

  it("keeps everything if another machine has stored the health under this host's name", async () => {
    const { prune, special, sql } = await setUp()
    await special("one", "stale")
    await sql(`INSERT INTO port_registry (name, value) VALUES ('watched:${HOST}', '1000 ${ago(0)} another')`)
    expect(reasonsOf(await prune("--yes"))).toEqual({ one: "unknown" })
  })

  it("lists few that stay one by one, and counts many", async () => {
    const { box, special } = await setUp()
    const keys = ["a", "b", "c", "d", "e", "f"]
    for (const key of keys) await special(key, "stale")
    await box.ok("pin", ...keys)
    const counted = "note: 6 keys stay: 6 pinned; d prune --all names them\nnote: there is nothing to release\n"
    expect((await box.d("prune")).stderr).toBe(counted)
    expect((await box.d("prune", "--all")).stderr).toMatch(
      /^note: a stays: it is pinned\n(.*\n){5}note: there is nothing/
    )
    await box.ok("unpin", "a", "b")
    const { stderr, stdout } = await box.d("prune")
    expect(stdout).toMatch(/^KEY {2} PORT {2}WHY\na {4}\d+ {2}stale since .*\nb {4}\d+ {2}stale since /)
    expect(stderr).toMatch(
      /note: f stays: it is pinned\nnote: these 2 ports may go, and nothing was changed; to release them: d prune --yes\n$/
    )
  })
})

it("takes nothing for granted if there is no registry yet", async () => {
  const box = inProcess(RANGES)
  expect(await box.d("prune")).toMatchObject({ code: 0, stdout: "KEY  PORT  WHY\n" })
  expect(await box.d("prune", "--yes")).toEqual({ code: 0, stdout: "", stderr: "note: there is nothing to release\n" })
})
