import { readFileSync, writeFileSync } from "node:fs"
import { networkInterfaces } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { parse } from "yaml"
import type { NamedPort } from "../../src/domain/Proxy.ts"
import type { Machine } from "../support/cli.ts"
import { rangesFrom } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import {
  caddyWith,
  checkBy,
  echoOf,
  firstEvent,
  get,
  nginxWith,
  seenBehind,
  startApp,
  startProxy
} from "../support/proxies.ts"

/** Debian's nginx, Caddy and HAProxy read what `d proxy` writes, and lead to the apps. */

const RANGES = rangesFrom(19_880)
const PROXY = 20_070
const ADMIN = 20_071

/** Keys in which everything is that a key may have, and what a configuration could take for its own. */
const KEYS = [
  "cad-dev",
  "cad-prod",
  "cad.fix-ui-dev",
  "cad_fix_ui-dev",
  "CAD-dev",
  "localhost",
  "none",
  "default-dev",
  "xn--80ak6aa92e-dev",
  "3001",
  "a..b__c--d",
  `${"a".repeat(63)}-dev`,
  `${"b".repeat(64)}-dev`,
  `${"c".repeat(250)}`
]

const setAll = async (box: Machine, keys: ReadonlyArray<string>): Promise<void> => {
  const csv = ["Key,Port,Description", ...keys.map((key, at) => `${key},${40_000 + at},}; # \\ {$HOME}`)]
  const file = join(box.home, "keys.csv")
  writeFileSync(file, `${csv.join("\n")}\n`)
  await box.ok("import", file)
}

const fileOf = (box: Machine, name: string): string => join(box.home, ".config/automatelinux/proxy", name)

/** Has each program check what `d proxy apply` has written for it. */
const checked = async (box: Machine, ...options: ReadonlyArray<string>) => {
  for (const proxy of ["nginx", "caddy", "haproxy"]) await box.ok("proxy", "apply", "--for", proxy, ...options)
  const caddyfile = fileOf(box, "Caddyfile")
  return {
    nginx: checkBy("nginx", "-t", ...nginxWith(fileOf(box, "nginx.conf"), PROXY)),
    caddy: checkBy("caddy", "validate", "--config", caddyfile, "--adapter", "caddyfile"),
    haproxy: checkBy("haproxy", "-c", "-f", fileOf(box, "haproxy.cfg"))
  }
}

/** The warnings about nothing that is wrong: the server is meant to have no HTTPS, and the map is only slower. */
const HARMLESS = [/^.*listening only on the HTTP port.*\n/gm, /^.* could not build optimal map_hash.*\n/gm]

const expectGood = (all: Awaited<ReturnType<typeof checked>>): void => {
  const said = Object.entries(all).map(([name, { code, said }]) => ({
    name,
    code,
    said: HARMLESS.reduce((text, each) => text.replaceAll(each, ""), said)
  }))
  const good = (name: string, said: RegExp) => ({ name, code: 0, said: expect.stringMatching(said) })
  expect(said).toEqual([
    good("nginx", /^nginx: [^[]* syntax is ok\n[^[]*successful\n$/),
    good("caddy", /^Valid configuration\n(?!.*"level":"(warn|error)")/s),
    good("haproxy", /^Configuration file is valid\n$/)
  ])
}

describe("nginx -t, caddy validate and haproxy -c", () => {
  it("are content with a registry without a key", async () => {
    const box = inProcess(RANGES)
    expectGood(await checked(box))
    expect(await box.ok("proxy", "render", "--for", "traefik")).toMatch(/^# [^\n]*\n# [^\n]*\n$/)
  })

  it("are content with all kinds of keys, in a domain, on a port", async () => {
    const box = inProcess(RANGES)
    await setAll(box, KEYS)
    const port = ["--port", "8080"]
    expectGood(await checked(box, ...port))
    expectGood(await checked(box, ...port, "--domain", "dev.example.com"))
    expectGood(await checked(box, ...port, "--domain", `${"d".repeat(63)}.${"e".repeat(63)}.${"f".repeat(61)}`))
  })

  it("are content with 1,000 keys, which take no time", { timeout: 60_000 }, async () => {
    const box = inProcess(RANGES)
    await setAll(
      box,
      Array.from({ length: 1000 }, (_, at) => `app-${at}-dev`)
    )
    const began = performance.now()
    const text = await box.ok("proxy", "render", "--for", "haproxy")
    expect(performance.now() - began).toBeLessThan(2000)
    expect(text.match(/^backend /gm)).toHaveLength(1001)
    expectGood(await checked(box))
  })
})

/** Another address of this machine than those of loopback. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address

/** Two apps, of which one listens on 127.0.0.1 alone and one on ::1 alone, and a third that does not run. */
const boxWithApps = async (): Promise<Machine> => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad", "--app", "six", "--app", "gone")
  await startApp(19_881, "127.0.0.1")
  await startApp(19_883, "::1")
  return box
}

/** The tests that each proxy must pass. */
const expectApps = async (): Promise<void> => {
  expect(await seenBehind(PROXY, "cad.localhost")).toMatchObject({
    port: 19_881,
    url: "/a%2Fb?c=1",
    headers: {
      host: `cad.localhost:${PROXY}`,
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-host": `cad.localhost:${PROXY}`,
      "x-forwarded-proto": "http"
    }
  })
  expect(await seenBehind(PROXY, "CAD.Localhost")).toMatchObject({ port: 19_881 })
  for (let round = 0; round < 5; round++)
    expect(await seenBehind(PROXY, "six.localhost")).toMatchObject({ port: 19_883 })
  expect(await echoOf(PROXY, "cad.localhost", "hello")).toBe("hello")
  expect(await echoOf(PROXY, "six.localhost", "hello")).toBe("hello")
  expect(await firstEvent(PROXY, "cad.localhost")).toBe("data: first\n\n")
  expect(await get(PROXY, "cax.localhost")).toEqual({
    status: 404,
    text: expect.stringMatching(/^no app has this name\n?$/)
  })
  expect((await get(PROXY, "gone.localhost")).status).toBeGreaterThanOrEqual(502)
  // An app that starts is found at once, although the proxy has just failed to reach it.
  await startApp(19_885, "127.0.0.1")
  expect(await seenBehind(PROXY, "gone.localhost")).toMatchObject({ port: 19_885 })
}

/** Returns the answer that another machine gets for a name; undefined if the connection ends without an answer. */
const fromOutside = (name: string) => get(PROXY, name, { from: outside ?? "" }).catch(() => undefined)

describe("an app", () => {
  it("is reached by its name through nginx, beside another site", async () => {
    const box = await boxWithApps()
    await box.ok("proxy", "apply", "--for", "nginx", "--port", String(PROXY))
    await startProxy("nginx", PROXY, ...nginxWith(fileOf(box, "nginx.conf"), PROXY))
    await expectApps()
    for (const name of ["localhost", "example.com", "127.0.0.1"])
      expect(await get(PROXY, name)).toEqual({ status: 200, text: "another site\n" })
    expect(await fromOutside("cad.localhost")).toMatchObject({ status: 403 })
    expect(await fromOutside("localhost")).toMatchObject({ status: 200 })
  })

  it("is reached by its name through Caddy, beside another site", async () => {
    const box = await boxWithApps()
    await box.ok("proxy", "apply", "--for", "caddy", "--port", String(PROXY))
    const lines = `import ${fileOf(box, "Caddyfile")}\nhttp://:${PROXY} {\n\trespond "another site\n"\n}`
    await startProxy("caddy", PROXY, "run", ...caddyWith(lines, ADMIN))
    await expectApps()
    for (const name of ["localhost", "example.com"])
      expect(await get(PROXY, name)).toMatchObject({ status: 200, text: expect.stringContaining("another site") })
    expect(await fromOutside("cad.localhost")).toBeUndefined()
    expect(await fromOutside("localhost")).toMatchObject({ status: 200 })
  })

  it("is reached by its name through HAProxy, on this machine only", async () => {
    const box = await boxWithApps()
    await box.ok("proxy", "apply", "--for", "haproxy", "--port", String(PROXY))
    await startProxy("haproxy", PROXY, "-f", fileOf(box, "haproxy.cfg"))
    await expectApps()
    // A request chooses no backend by a name that no app has.
    expect(await get(PROXY, "none")).toMatchObject({ status: 404 })
    expect(await fromOutside("cad.localhost")).toBeUndefined()
  })
})

it("writes for Traefik what its reference has: routers with rules, and services with servers", async () => {
  const box = inProcess(RANGES)
  await setAll(box, KEYS)
  await box.ok("proxy", "apply", "--for", "traefik")
  const { http } = parse(readFileSync(fileOf(box, "traefik.yaml"), "utf8"))
  const names: ReadonlyArray<NamedPort> = JSON.parse(await box.ok("proxy", "render", "--for", "traefik", "--json"))
  expect(names).toHaveLength(KEYS.length)
  expect(Object.values(http.routers)).toEqual(
    names.map(({ name, port }) => ({
      rule: `Host(\`${name}\`) && (ClientIP(\`127.0.0.0/8\`) || ClientIP(\`::1\`))`,
      service: `d-ports-${port}`
    }))
  )
  expect(http.services["d-ports-40000"]).toEqual({ loadBalancer: { servers: [{ url: "http://localhost:40000" }] } })
  expect(Object.keys(http.services).sort()).toEqual(names.map(({ port }) => `d-ports-${port}`).sort())
})
