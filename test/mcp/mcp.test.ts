import { spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js"
import { describe, expect, it, onTestFinished } from "vitest"
import type { Results } from "../../src/commands/Results.ts"
import { collect, type Machine, machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { rangesFrom, serve } from "../support/doctor.ts"
import { git, repository } from "../support/git.ts"
import { installed } from "../support/npmPackages.ts"
import { temporary } from "../support/root.ts"

const RANGES = rangesFrom(32_200)

/** An agent that has started `d mcp`, as its configuration says. */
const agent = async (box: Machine) => {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [PROGRAM, "mcp"],
    env: { ...box.env },
    cwd: box.home,
    stderr: "pipe"
  })
  let stderr = ""
  transport.stderr?.on("data", (chunk) => (stderr += chunk))
  const client = new Client({ name: "test", version: "1" })
  const errors: Array<Error> = []
  client.onerror = (error) => errors.push(error)
  await client.connect(transport)
  onTestFinished(() => client.close())
  // The client checks every result against the schema of its tool.
  await client.listTools()
  const call = async (name: string, given: Readonly<Record<string, unknown>> = {}) => {
    const { content, isError, structuredContent } = (await client.callTool({
      name,
      arguments: { ...given }
    })) as CallToolResult
    const [block] = content
    return { isError: isError === true, text: block?.type === "text" ? block.text : "", data: structuredContent ?? {} }
  }
  return { client, call, errors, pid: transport.pid ?? 0, stderr: () => stderr }
}

/** A project of that name. */
const project = (name: string): string => {
  const root = temporary()
  writeFileSync(join(root, "package.json"), JSON.stringify({ name }))
  return root
}

describe.each([false, true])("the tools, with a daemon: %s", (daemon) => {
  const served = async () => {
    const box = machine(RANGES)
    if (daemon) await startDaemon(box)
    return { box, ...(await agent(box)) }
  }

  it("claim, find, list, explain, check and release ports as the commands do", async () => {
    const { box, call } = await served()
    const cwd = project("cad")
    expect((await call("get", { cwd })).isError).toBe(true)
    expect(await call("allocate", { cwd })).toEqual({
      isError: false,
      text: "cad-dev has 32201 (http://localhost:32201)\nstart the server with d run COMMAND, which gives it PORT=32201, or on port 32201 by hand",
      data: {
        key: "cad-dev",
        port: 32_201,
        app: "cad",
        created: true,
        inUse: false,
        url: "http://localhost:32201",
        advice: "start the server with d run COMMAND, which gives it PORT=32201, or on port 32201 by hand"
      }
    })
    expect((await call("allocate", { key: "redis" })).data).toMatchObject({ key: "redis", port: 32_300 })
    expect((await call("get", { cwd })).data).toEqual({ key: "cad-dev", port: 32_201, url: "http://localhost:32201" })
    expect((await call("get", { key: "cad-prod" })).data).toMatchObject({ port: 32_200 })
    const ports = JSON.parse(await box.ok("listPorts", "--json"))
    expect((await call("list")).data).toEqual({ ports })
    expect((await call("check", { cwd })).data).toMatchObject({ verdict: "nothing", port: 32_201 })
    const server = await serve(32_201, { directory: cwd })
    expect((await call("check", { cwd })).data).toMatchObject({ verdict: "own", listeners: [{ pid: server.pid }] })
    expect((await call("allocate", { cwd })).text).toContain("use it, and start no second one")
    expect((await call("explain", { port: 32_201, cwd })).data).toMatchObject({
      keys: [{ key: "cad-dev", owner: { name: cwd, said: true } }],
      listeners: [{ pid: server.pid }]
    })
    expect((await call("doctor")).data).toMatchObject({ findings: expect.any(Array) })
    const refused = await call("release", { app: "cad" })
    expect([refused.isError, refused.text]).toEqual([true, expect.stringContaining(`pid ${server.pid}`)])
    expect(refused.text).toMatch(/\nhint: stop it first, or repeat with force: true$/)
    await server.stop()
    expect((await call("release", { app: "cad", force: true })).data).toEqual({
      released: [
        { key: "cad-prod", port: 32_200 },
        { key: "cad-dev", port: 32_201 }
      ]
    })
    expect(await call("release", { app: "cad" })).toMatchObject({ text: "note: cad has no port to release" })
    const [released] = (await call("history", { app: "cad", limit: 1 })).data[
      "operations"
    ] as Results["history"]["operations"]
    expect(released).toMatchObject({ what: "release", undoable: true })
    expect((await call("undo", { number: released?.number })).text).toMatch(/^took back \d+: release by /)
    expect((await call("get", { cwd })).data).toMatchObject({ port: 32_201 })
    await call("release", { app: "cad" })
    expect((await call("get", { key: "cad-dev" })).isError).toBe(true)
  })

  it("say in one sentence what is wrong with a call, and what to do", async () => {
    const { call } = await served()
    for (const [name, given, text] of [
      ["allocate", {}, "error: neither cwd, key nor app is given\nhint: give cwd, the directory that you work in"],
      [
        "allocate",
        { cwd: "." },
        "error: cwd is not an absolute path\nhint: give the directory that you work in, as pwd prints it"
      ],
      [
        "allocate",
        { cwd: "/no/such" },
        'error: dir "/no/such" is not a directory that can be read\nhint: name an existing directory'
      ],
      ["allocate", { app: "a b" }, /^error: app "a b" .*\nhint: /],
      ["allocate", { app: 5 }, /^error: app 5 .*\nhint: /],
      ["get", { key: "nobody" }, /^error: .*nobody.*\nhint: call allocate, which claims a port if there is none$/],
      [
        "get",
        { key: "a", port: 1 },
        "error: get has no argument port: it takes key, app, mode, cwd\nhint: call it again with these alone"
      ],
      ["check", { key: "a" }, "error: cwd is missing\nhint: give the directory that you work in"],
      ["explain", {}, /^error: .*port.*\nhint: /],
      ["explain", { port: 70_000 }, /^error: port 70000 .*\nhint: /],
      ["undo", {}, "error: number is missing\nhint: call history for the numbers"],
      ["undo", { number: 4711 }, /^error: there is no operation 4711 .*\nhint: /],
      ["list", { health: "well" }, /^error: health "well" .*\nhint: /]
    ] as const) {
      const { isError, text: said } = await call(name, given)
      expect([isError, said], JSON.stringify(given)).toEqual([
        true,
        typeof text === "string" ? text : expect.stringMatching(text)
      ])
    }
    await expect(call("kill")).rejects.toThrow("there is no tool kill")
  })
})

it("say which tools change something, and what they need", async () => {
  const { client } = await agent(machine(RANGES))
  const { tools } = await client.listTools()
  expect(tools.map(({ annotations, name }) => [name, annotations?.readOnlyHint, annotations?.destructiveHint])).toEqual(
    [
      ["allocate", false, false],
      ["get", true, false],
      ["list", true, false],
      ["explain", true, false],
      ["check", true, false],
      ["doctor", true, false],
      ["release", false, true],
      ["history", true, false],
      ["undo", false, true]
    ]
  )
  for (const { annotations, outputSchema } of tools) {
    expect(annotations).toMatchObject({ idempotentHint: true, openWorldHint: false })
    expect(outputSchema?.type).toBe("object")
  }
})

it("offers the registry and each key as a resource", async () => {
  const box = machine(RANGES)
  const { client } = await agent(box)
  await box.ok("allocate", "--app", "cad", "--description", 'the "CAD" app')
  expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(["ports://registry"])
  expect((await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
    "ports://key/{key}"
  ])
  const read = async (uri: string) => {
    const [first] = (await client.readResource({ uri })).contents
    return first !== undefined && "text" in first ? first.text : ""
  }
  expect(`${await read("ports://registry")}\n`).toBe(await box.ok("listPorts", "--json"))
  expect(JSON.parse(await read("ports://key/cad-dev"))).toMatchObject({ port: 32_201 })
  for (const uri of ["ports://key/nobody", "ports://other", "ports://key/%ff"])
    await expect(read(uri), uri).rejects.toThrow()
})

it("says that the registry is away", async () => {
  const box = machine({ ...RANGES, AUTOMATELINUX_DATABASE_URL: "mysql://ports@127.0.0.1:1/ports" })
  const { call } = await agent(box)
  for (const name of ["list", "doctor"]) {
    const { isError, text } = await call(name)
    expect(isError || text.includes("store-reachable"), name).toBe(true)
  }
})

/** What `d mcp` writes to standard output and error if these lines are its input. */
const talk = (box: Machine, lines: ReadonlyArray<unknown>, env: Readonly<Record<string, string>> = {}) =>
  new Promise<{ readonly code: number | null; readonly out: ReadonlyArray<string>; readonly err: string }>((done) => {
    const child = spawn(process.execPath, [PROGRAM, "mcp"], { env: { ...box.env, ...env }, cwd: box.home })
    let out = ""
    let err = ""
    child.stdout.on("data", (chunk) => (out += chunk))
    child.stderr.on("data", (chunk) => (err += chunk))
    child.on("close", (code) => done({ code, out: out.trimEnd().split("\n"), err }))
    child.stdin.end(lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""))
  })

const hello = (protocolVersion: string) => ({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion, capabilities: {}, clientInfo: { name: "x", version: "1" } }
})
const READY = { jsonrpc: "2.0", method: "notifications/initialized" }
const listing = (id: number) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "list", arguments: {} } })

it.each([
  ["2024-11-05", "2024-11-05"],
  ["2025-03-26", "2025-03-26"],
  ["2025-06-18", "2025-06-18"],
  ["2025-11-25", "2025-11-25"],
  ["2099-01-01", "2025-11-25"]
])("speaks the protocol of %s", async (asked, spoken) => {
  const { code, out } = await talk(machine(RANGES), [hello(asked), READY, listing(2)])
  const replies = out.map((line) => JSON.parse(line))
  expect(code).toBe(0)
  expect(replies.find(({ id }) => id === 1).result.protocolVersion).toBe(spoken)
  expect(replies.find(({ id }) => id === 2).result.structuredContent).toEqual({ ports: [] })
})

it("answers what was asked before the input ended, and says what is no message", async () => {
  const calls = Array.from({ length: 20 }, (_, at) => listing(at + 2))
  const { code, out } = await talk(machine(RANGES), ["not json", "{}", hello("2025-06-18"), READY, ...calls])
  expect(code).toBe(0)
  const replies = out.map((line) => JSON.parse(line))
  expect(replies.slice(0, 2)).toEqual([
    { jsonrpc: "2.0", id: null, error: { code: -32_700, message: "the line is not JSON" } },
    { jsonrpc: "2.0", id: null, error: { code: -32_600, message: "the line is not a message of JSON-RPC 2.0" } }
  ])
  const ids = replies.slice(2).map(({ id }) => id)
  expect(ids.sort((a, b) => a - b)).toEqual([1, ...calls.map(({ id }) => id)])
})

it("writes nothing but the protocol to standard output, whatever a library says", async () => {
  const noisy = join(temporary(), "noisy.cjs")
  writeFileSync(
    noisy,
    "setTimeout(() => { console.log('a warning'); process.stdout.write('another') }, 100).unref(); process.emitWarning('a third')"
  )
  const box = machine(RANGES)
  const { client, call, errors, stderr } = await agent(box.with({ NODE_OPTIONS: `--require=${noisy}` }))
  while (!stderr().includes("another")) await call("list")
  await client.ping()
  expect(errors).toEqual([])
  expect(stderr()).toContain("a warning")
})

it("answers the inspector of the protocol", { timeout: 300_000 }, async () => {
  const inspector = join(installed({ "@modelcontextprotocol/inspector": "2.12.0" }), "node_modules/.bin/mcp-inspector")
  const box = machine(RANGES)
  const cwd = project("cad")
  // It passes nothing on but what it is told to.
  const variables = Object.entries(box.env).flatMap(([name, value]) => ["-e", `${name}=${value}`])
  const inspect = async (...words: ReadonlyArray<string>) => {
    const all = ["--cli", ...variables, process.execPath, PROGRAM, "mcp", "--method", ...words]
    const run = await collect(spawn(inspector, all, { env: box.env, cwd: box.home, stdio: ["ignore", "pipe", "pipe"] }))
    return { ...run, document: JSON.parse(run.stdout) }
  }
  expect((await inspect("tools/list")).document.tools).toHaveLength(9)
  const called = await inspect("tools/call", "--tool-name", "allocate", "--tool-arg", `cwd=${cwd}`)
  expect(called.document.structuredContent).toMatchObject({ key: "cad-dev", port: 32_201 })
  expect((await inspect("resources/list")).document.resources).toHaveLength(1)
})

it("keeps its memory over 1,000 calls", { timeout: 120_000 }, async () => {
  const box = machine(RANGES)
  await startDaemon(box)
  // What is new is not left to pile up, as V8 does while there is room.
  const { call, pid } = await agent(box.with({ NODE_OPTIONS: "--max-semi-space-size=2" }))
  const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024
  const cwd = project("cad")
  const calls = async (count: number) => {
    for (let each = 0; each < count; each += 2) {
      await call("list")
      await call("allocate", { cwd })
    }
  }
  await calls(500)
  const before = resident()
  await calls(1000)
  console.log(`d mcp: ${before.toFixed(0)} MiB after 500 calls, ${resident().toFixed(0)} after 1,500`)
  expect(resident() - before).toBeLessThan(10)
})

it("keeps two agents in two worktrees apart", async () => {
  const box = machine(RANGES)
  const main = repository()
  const linked = join(temporary(), "fix")
  git(main, "worktree", "add", "-q", "-b", "fix", linked)
  const [one, two] = [await agent(box), await agent(box)]
  const [first, second] = await Promise.all([
    one.call("allocate", { cwd: main }),
    two.call("allocate", { cwd: linked })
  ])
  const [mine, theirs] = [Number(first.data["port"]), Number(second.data["port"])]
  expect(theirs).not.toBe(mine)

  const server = await serve(mine, { directory: main })
  // The second agent has guessed 3000, so to speak, and got EADDRINUSE.
  const explained = await two.call("explain", { port: mine, cwd: linked })
  expect(explained.data["advice"]).toBe(
    `${mine} is served by node, pid ${server.pid}, in ${main}, the worktree ${main.split("/").at(-1)} of this repository; yours is ${theirs} (${second.data["key"]}); do not end that process`
  )
  expect((await two.call("check", { cwd: linked })).data["verdict"]).toBe("nothing")

  // The first agent's server has taken the second one's port.
  const stray = await serve(theirs, { directory: main })
  const checked = await two.call("check", { cwd: linked })
  expect(checked.data["verdict"]).toBe("other")
  expect(checked.data["advice"]).toContain("do not end that process, do not test against it, and tell the user")
  expect((await two.call("allocate", { cwd: linked })).data["advice"]).toBe(checked.data["advice"])
  expect((await one.call("explain", { port: theirs, cwd: main })).data["advice"]).toContain(`yours is ${mine}`)
  for (const { pid } of [server, stray]) expect(() => process.kill(pid, 0)).not.toThrow()
})
