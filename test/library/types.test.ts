import { join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { machine } from "../support/cli.ts"
import { projectWith, runIn } from "../support/library.ts"

const USE = `
import { check, checkSync, port, portSync, PortsError, registry, url, urlSync } from "automatelinux-ports"
import type { ErrorCode, PortCheck, PortOptions, Results, Verdict } from "automatelinux-ports"

export const use = async (options: PortOptions): Promise<Verdict> => {
  const ports: ReadonlyArray<number> = [await port(), await port(options), await port("api-dev", { fallback: async () => 1 })]
  const also: number = portSync("api-dev", { fallback: (error) => (error.code === "unavailable" ? ports[0] ?? 1 : 2) })
  const addresses: ReadonlyArray<string> = [await url("cad-dev", { path: "/login" }), urlSync({ mode: "prod", https: true })]
  const checked: PortCheck = checkSync({ wait: 1000 })
  const listed: Results["listPorts"] = await registry.list({ health: "up" })
  await registry.allocate({ app: "cad", special: ["redis"], onNote: (line: string) => console.warn(line, also, addresses) })
  try {
    await registry.set("cad-dev", 3001, { force: true })
  } catch (error) {
    if (!(error instanceof PortsError)) throw error
    const code: ErrorCode = error.code
    console.error(code, error.message, error.hint, listed[0]?.health.state)
  }
  return (await check()).verdict ?? checked.verdict
}

// @ts-expect-error a synchronous call cannot wait for a fallback
portSync({ fallback: async () => 1 })
// @ts-expect-error a mode is prod or dev
void port({ mode: "test" })
// @ts-expect-error a key is named once
void port("cad-dev", { app: "cad" })
`

const compilerOptions = {
  target: "es2023",
  strict: true,
  skipLibCheck: false,
  noEmit: true,
  types: ["node"]
}

const compile = (root: string) =>
  runIn(
    machine(),
    root,
    process.execPath,
    resolve("node_modules/typescript/bin/tsc"),
    "-p",
    join(root, "tsconfig.json")
  )

describe.each([
  { module: "node16", moduleResolution: "node16" },
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" }
])("$moduleResolution", (how) => {
  it("finds the types for import and for require", async () => {
    const config = JSON.stringify({ compilerOptions: { ...compilerOptions, ...how }, include: ["*"] })
    const root = projectWith("typed", { "use.mts": USE, "use.cts": USE, "tsconfig.json": config })
    expect(await compile(root)).toEqual({ code: 0, stdout: "", stderr: "" })
  })
})

const VITE = `
import { ports } from "automatelinux-ports/vite"
import { defineConfig } from "vite"

export default defineConfig({
  plugins: [
    ports({ fallback: 5173, proxy: { "/api": "api-dev", "/ws": { app: "ws", mode: "dev", ws: true, rewrite: (path) => path.slice(3), secure: false } } })
  ]
})
`

it("the plugin is one of Vite's", async () => {
  const how = { ...compilerOptions, module: "nodenext", skipLibCheck: true, exactOptionalPropertyTypes: true }
  const config = JSON.stringify({ compilerOptions: how, include: ["*"] })
  const root = projectWith("typed", { "vite.config.mts": VITE, "tsconfig.json": config })
  expect(await compile(root)).toEqual({ code: 0, stdout: "", stderr: "" })
})
