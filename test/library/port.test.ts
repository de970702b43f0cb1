import { existsSync, mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { type Machine, machine, startDaemon } from "../support/cli.ts"
import { git, repository } from "../support/git.ts"
import { evaluate, projectWith, runIn, serveIn } from "../support/library.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "20400-20429", AUTOMATELINUX_SPECIAL_RANGE: "20430-20439" }

/** Nothing answers there. */
const AWAY = {
  AUTOMATELINUX_DATABASE_URL: "mysql://nobody@127.0.0.1:1/ports",
  AUTOMATELINUX_DATABASE_TIMEOUT: "1 second"
}

const NOT_SET = {
  error: {
    code: "not-set",
    message: "Port not set for api-dev",
    hint: expect.stringContaining("d claim --key api-dev")
  }
}

let root: string
beforeAll(() => {
  root = projectWith("cad")
})

describe.each(["with a daemon", "without a daemon"])("%s", (which) => {
  const start = async (): Promise<Machine> => {
    const box = machine(RANGES)
    if (which === "with a daemon") await startDaemon(box)
    return box
  }

  it("port claims the dev port of the directory's app, and returns it from then on", async () => {
    const box = await start()
    expect(await evaluate(box, root, "port()")).toBe(20_401)
    expect(await evaluate(box, root, "[await port(), portSync(), await port({ mode: 'prod' })]")).toEqual([
      20_401, 20_401, 20_400
    ])
    expect(await box.ok("getPort", "--key", "cad-dev")).toBe("20401\n")
    expect(await evaluate(box, root, "[await url({ path: 'login' }), urlSync({ https: true })]")).toEqual([
      "http://localhost:20401/login",
      "https://localhost:20401"
    ])
    expect(await evaluate(box, projectWith("pt"), `port({ directory: ${JSON.stringify(root)} })`)).toBe(20_401)
  })

  it("port follows a worktree that was moved and whose branch was renamed, as d does", async () => {
    const box = await start()
    const main = repository()
    const linked = projectWith("linked")
    git(main, "worktree", "add", "-q", "-b", "fix-ui", join(linked, "tree"))
    expect(await evaluate(box, join(linked, "tree"), "port()")).toBe(20_401)
    git(join(linked, "tree"), "branch", "-m", "fix-menu")
    git(main, "worktree", "move", join(linked, "tree"), join(linked, "moved"))
    const moved = "[await port({ claim: false }), (await check()).port, portSync(), await port()]"
    expect(await evaluate(box, join(linked, "moved"), moved)).toEqual([20_401, 20_401, 20_401, 20_401])
    expect(await box.ok("claim", "--dir", join(linked, "moved"))).toBe("20401\n")
  })

  it("portSync claims, too", async () => {
    const box = await start()
    expect(await evaluate(box, root, "portSync()")).toBe(20_401)
  })

  it("port reads a key or an app, and claims it only if it is told to", async () => {
    const box = await start()
    expect(await evaluate(box, root, "port('api-dev')")).toEqual(NOT_SET)
    expect(await evaluate(box, root, "portSync('api-dev')")).toEqual(NOT_SET)
    expect(await evaluate(box, root, "port({ app: 'api' })")).toEqual(NOT_SET)
    expect(await evaluate(box, root, "port({ claim: false })")).toMatchObject({ error: { code: "not-set" } })
    expect(await box.ok("listPorts", "--json")).toBe("[]\n")
    expect(await evaluate(box, root, "portSync('redis', { claim: true })")).toBe(20_430)
    expect(await evaluate(box, root, "[await port('redis'), portSync('redis')]")).toEqual([20_430, 20_430])
  })

  it("check says whose server answers", async () => {
    const box = await start()
    const other = projectWith("stranger")
    expect(await evaluate(box, root, "port()")).toBe(20_401)
    expect(await evaluate(box, root, "check()")).toMatchObject({ key: "cad-dev", port: 20_401, verdict: "nothing" })
    const pid = await serveIn(box, other, 20_401)
    const foreign = { verdict: "other", listeners: [{ pid, directory: other, own: false }] }
    expect(await evaluate(box, root, "[await check(), checkSync(), await check('cad-dev')]")).toMatchObject([
      foreign,
      foreign,
      foreign
    ])
    expect(await evaluate(box, other, "check('cad-dev')")).toMatchObject({ verdict: "own", directory: other })
    expect(await evaluate(box, root, "check('api-dev')")).toEqual(NOT_SET)
  })

  it("check waits for a server", async () => {
    const box = await start()
    await box.ok("claim", "--dir", root)
    const checking = evaluate(box, root, "check({ wait: 60_000 })")
    await serveIn(box, root, 20_401)
    expect(await checking).toMatchObject({ verdict: "own" })
  })

  it("registry has the commands", async () => {
    const box = await start()
    const asked = await evaluate(
      box,
      root,
      `[
        await registry.allocate({ app: "shop", special: ["redis"], directory: ".", onNote }),
        await registry.get({ app: "shop", mode: "dev" }),
        await registry.set("blog-dev", 20_401, { force: true, onNote }),
        (await registry.list({ app: "shop" })).map(({ key }) => key),
        await registry.rename("redis", "cache"),
        (await registry.describe("shop", "Shop")).described.length,
        await registry.reserve("20434-20435", "a farm"),
        (await registry.reserved()).filter(({ port }) => port > 20430).length,
        await registry.unreserve([20434, "20435"]),
        (await registry.explain("shop-dev")).port,
        (await registry.explain(20_400)).port,
        (await registry.doctor({ check: "port-shared" })).healthy,
        await registry.remove("blog-dev"),
        await registry.release({ app: "shop", special: "cache" }),
        notes
      ]`
    )
    expect(asked).toEqual([
      {
        assignments: [
          { key: "shop-prod", port: 20_400, created: true },
          { key: "shop-dev", port: 20_401, created: true },
          { key: "redis", port: 20_430, created: true }
        ],
        skipped: []
      },
      { key: "shop-dev", port: 20_401 },
      { key: "blog-dev", port: 20_401 },
      ["shop-prod", "shop-dev"],
      { key: "cache", port: 20_430, renamed: [{ from: "redis", key: "cache", port: 20_430 }] },
      2,
      { port: null, reason: "a farm", ports: [20_434, 20_435] },
      2,
      { port: null, ports: [20_434, 20_435] },
      20_401,
      20_400,
      false,
      { released: [{ key: "blog-dev", port: 20_401 }] },
      {
        released: [
          { key: "shop-prod", port: 20_400 },
          { key: "shop-dev", port: 20_401 },
          { key: "cache", port: 20_430 }
        ]
      },
      ["warning: 20401 also belongs to shop-dev"]
    ])
    expect(await evaluate(box, root, "registry.set('pt-dev', 0)")).toMatchObject({ error: { code: "invalid" } })
    expect(await evaluate(box, root, "registry.remove('pt-dev')")).toMatchObject({ error: { code: "not-found" } })
  })
})

describe("how it is loaded", () => {
  it("is one library for import and require", async () => {
    const box = machine(RANGES)
    const code = `
      import { createRequire } from "node:module"
      import { port, PortsError } from "automatelinux-ports"
      const library = createRequire(import.meta.url)("automatelinux-ports")
      console.log(await library.port(), library.PortsError === PortsError, library.port === port)`
    expect(await runIn(box, root, process.execPath, "--input-type=module", "-e", code)).toEqual({
      code: 0,
      stdout: "20401 true true\n",
      stderr: ""
    })
  })

  it("loads one file of ours, and nothing native, to ask a daemon", async () => {
    const box = machine(RANGES)
    await startDaemon(box)
    const code = `
      const { check, port, registry } = require("automatelinux-ports")
      port().then(() => check()).then(() => registry.list()).then(() => {
        console.log(Object.keys(require.cache).map((path) => require("node:path").basename(path)).join())
      })`
    expect((await runIn(box, root, process.execPath, "-e", code)).stdout).toBe("index.cjs\n")
  })
})

describe("a fallback", () => {
  const isMade = ({ home }: Machine) => existsSync(join(home, ".local/state/automatelinux"))

  it("is the port on a machine without a registry, and none is made", async () => {
    const box = machine(RANGES)
    expect(await evaluate(box, root, "[await port({ fallback: 5173, onNote }), notes]")).toEqual([
      5173,
      ["note: this machine has no registry of ports; using the fallback 5173"]
    ])
    expect(await evaluate(box, root, "[portSync({ fallback: () => 5174, onNote }), notes]")).toEqual([
      5174,
      ["note: this machine has no registry of ports; using the fallback 5174"]
    ])
    expect(
      await evaluate(box, root, "port('api-dev', { fallback: async ({ code }) => code === 'unavailable' ? 1 : 2 })")
    ).toBe(1)
    expect(await evaluate(box, root, "urlSync('api-dev', { fallback: 4000 })")).toBe("http://localhost:4000")
    expect(isMade(box)).toBe(false)
    // Without a fallback, one is made.
    expect(await evaluate(box, root, "port()")).toBe(20_401)
    expect(await evaluate(box, root, "[await port({ fallback: 5173 }), portSync({ fallback: 5173 })]")).toEqual([
      20_401, 20_401
    ])
  })

  it("is the port if the database cannot be used", async () => {
    const box = machine({ ...RANGES, ...AWAY })
    expect(await evaluate(box, root, "port()")).toMatchObject({ error: { code: "unavailable" } })
    expect(await evaluate(box, root, "[await port({ fallback: 5173 }), portSync({ fallback: 5173 })]")).toEqual([
      5173, 5173
    ])
  })

  it("hides no other error", async () => {
    const box = machine(RANGES)
    const refused = (code: string) => ({ error: expect.objectContaining({ code }) })
    await box.ok("allocate", "--app", "pt")
    expect(await evaluate(box, root, "port('api-dev', { fallback: 5173 })")).toEqual(NOT_SET)
    expect(await evaluate(box, root, "portSync('api-dev', { fallback: 5173 })")).toEqual(NOT_SET)
    expect(await evaluate(box, root, "port('api dev', { fallback: 5173 })")).toEqual(refused("invalid"))
    const wrong = box.with({ AUTOMATELINUX_APP_RANGE: "20401-20429" })
    expect(await evaluate(wrong, root, "port({ fallback: 5173 })")).toEqual(refused("invalid"))
    const wronger = box.with({ AUTOMATELINUX_DAEMON: "on" })
    expect(await evaluate(wronger, root, "port({ fallback: 5173 })")).toEqual(refused("invalid"))
    for (const each of ["0", "70000", "1.5", "'5173'"])
      expect(await evaluate(box, root, `port({ fallback: ${each} })`), each).toEqual(refused("invalid"))
  })

  it("hides no wrong call on a machine without a registry, either", async () => {
    const box = machine(RANGES)
    for (const call of [
      "{ key: 'api dev' }",
      "{ app: 'cad-dev' }",
      "{ mode: 'test' }",
      "{ key: 'cad-dev', mode: 'dev' }",
      "{ key: 3001 }"
    ])
      expect(await evaluate(box, root, `port({ ...${call}, fallback: 5173 })`), call).toMatchObject({
        error: { code: "invalid" }
      })
  })
})

describe("a PORT in the environment", () => {
  /** A machine whose registry says 20401, or cannot be used, and a process that `d run` started there. */
  const inherited = (more: Readonly<Record<string, string>> = {}) => ({
    PORT: "20411",
    D_PORT: "20411",
    D_KEY: "cad-dev",
    D_DIR: root,
    ...more
  })

  it("is believed if d run gave it to this directory, and nothing is asked", async () => {
    const box = machine({ ...RANGES, ...AWAY, ...inherited() })
    for (const call of [
      "port()",
      "portSync()",
      "port('cad-dev')",
      "port({ app: 'cad', mode: 'dev' })",
      "port({ mode: 'dev' })"
    ])
      expect(await evaluate(box, root, call), call).toBe(20_411)
    mkdirSync(join(root, "src"), { recursive: true })
    expect(await evaluate(box, join(root, "src"), "port()")).toBe(20_411)
    // The key that it was given, whatever it is called.
    const special = box.with({ D_KEY: "cad-server" })
    expect(await evaluate(special, root, "[await port(), await port('cad-server')]")).toEqual([20_411, 20_411])
  })

  it("is believed in a directory that is reached by a link", async () => {
    const box = machine({ ...RANGES, ...inherited() })
    symlinkSync(root, join(box.home, "linked"))
    expect(await evaluate(box, join(box.home, "linked"), "port()")).toBe(20_411)
  })

  it.each([
    ["another directory", { D_DIR: "/opt/dev/other" }, "port()"],
    ["a directory inside this one", { D_DIR: "" }, "port()"],
    ["another mode", {}, "port({ mode: 'prod' })"],
    ["another key", { D_KEY: "pt-dev" }, "port('cad-dev', { claim: true })"],
    ["something else", { PORT: "4000" }, "port()"],
    ["something that is no port", { PORT: "abc", D_PORT: "abc" }, "port()"]
  ])("is not believed if it is that of %s", async (_, more, call) => {
    const box = machine({ ...RANGES, ...inherited(more) })
    const asked = Number(await evaluate(box, root, call))
    expect(asked).toBe(call.includes("prod") ? 20_400 : 20_401)
    expect(await evaluate(box, root, call.replace("port(", "portSync("))).toBe(asked)
  })

  it("is not believed in another project than its own", async () => {
    const box = machine({ ...RANGES, ...inherited() })
    const other = projectWith("pt")
    expect(await evaluate(box, other, "port()")).toBe(20_401)
  })

  it("comes from d run", async () => {
    const box = machine(RANGES)
    const code =
      "import { port, portSync } from 'automatelinux-ports'; console.log(process.env.PORT, await port(), portSync())"
    const run = await box.with({ ...AWAY }).sh("true")
    expect(run.code).toBe(0)
    const inside = await box.sh(`cd ${root} && d run node --input-type=module -e "${code}"`)
    expect(inside).toEqual({ code: 0, stdout: "20401 20401 20401\n", stderr: "" })
  })
})

describe("a call that cannot be", () => {
  it("says what is wrong", async () => {
    const box = machine(RANGES)
    expect(await evaluate(box, root, "port({ directory: '/nowhere' })")).toEqual({
      error: {
        code: "invalid",
        message: 'dir "/nowhere" is not a directory that can be read',
        hint: "name an existing directory"
      }
    })
    expect(await evaluate(box, root, "port(3001)")).toEqual({
      error: { code: "invalid", message: "3001 is not a key", hint: 'write port("cad-dev")' }
    })
    for (const call of [
      "port({ drectory: '/nowhere' })",
      "portSync('cad-dev', { drectory: 1 })",
      "check({ drectory: 1 })"
    ])
      expect(await evaluate(box, root, call), call).toEqual({
        error: {
          code: "invalid",
          message: 'there is no option "drectory"',
          hint: "docs/library.md lists the options"
        }
      })
    expect(await evaluate(box, root, "port({ key: 'cad-dev', app: 'cad' })")).toMatchObject({
      error: { code: "invalid" }
    })
    expect(await evaluate(box, root, "check({ wait: -1 })")).toMatchObject({ error: { code: "invalid" } })
    expect(await evaluate(box, root, "portSync({ mode: 'test' })")).toMatchObject({ error: { code: "invalid" } })
  })
})
