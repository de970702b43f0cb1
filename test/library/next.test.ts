import { expect, it } from "vitest"
import { type Machine, machine } from "../support/cli.ts"
import { evaluate, projectWith } from "../support/library.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "20560-20589", AUTOMATELINUX_SPECIAL_RANGE: "20590-20599" }

/** What Next gets from a configuration: as its server does, which has set PORT to the port that it listens on. */
const configured = (box: Machine, phase: string, config: string, options: string, port?: number) => {
  const code = `import("automatelinux-ports/next").then(async ({ withPorts }) => {
    const made = await withPorts(${config}, ${options})("${phase}", { defaultConfig: {} })
    return { ...made, rewrites: await made.rewrites?.() }
  })`
  const there = port === undefined ? box : box.with({ PORT: String(port) })
  return evaluate(there, projectWith("web"), code)
}

const DEV = "phase-development-server"
const TO_API = { source: "/api/:path*", destination: "http://localhost:20561/api/:path*" }

it("next dev passes on to siblings, besides its own rewrites", async () => {
  const box = machine(RANGES)
  await box.ok("allocate", "--app", "api")
  const proxy = '{ proxy: { "/api": "api-dev" } }'
  const old = { source: "/old", destination: "/new" }
  expect(await configured(box, DEV, "{ reactStrictMode: true }", proxy)).toEqual({
    reactStrictMode: true,
    rewrites: [TO_API]
  })
  const list = `{ rewrites: async () => [${JSON.stringify(old)}] }`
  expect(await configured(box, DEV, list, proxy)).toEqual({ rewrites: [old, TO_API] })
  const groups = `async () => ({ rewrites: async () => ({ beforeFiles: [${JSON.stringify(old)}] }) })`
  expect(await configured(box, DEV, groups, proxy)).toEqual({ rewrites: { beforeFiles: [old], afterFiles: [TO_API] } })
})

it("next dev is refused on another port than its directory's", async () => {
  const box = machine(RANGES)
  expect(await configured(box, DEV, "{}", "{}", 20_577)).toEqual({
    error: {
      code: "conflict",
      message:
        "next dev would serve on 20577, and the port of this directory is 20561\nhint: d run next dev; or allow it with anyPort: true",
      hint: "d run next dev; or allow it with anyPort: true"
    }
  })
  expect(await configured(machine(RANGES), DEV, "{}", "{}", 20_561)).toEqual({})
  expect(await configured(box, DEV, "{}", "{ anyPort: true }", 20_577)).toEqual({})
})

it("builds and next start are left alone", async () => {
  const box = machine(RANGES)
  for (const phase of ["phase-production-build", "phase-production-server"])
    expect(await configured(box, phase, "{}", '{ proxy: { "/api": "api-dev" } }', 20_577)).toEqual({})
  expect(await box.ok("listPorts", "--json")).toBe("[]\n")
})
