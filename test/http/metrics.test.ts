import { execFileSync, spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { beforeAll, expect, it, onTestFinished } from "vitest"
import { makeMetrics } from "../../src/http/metrics.ts"
import type { Snapshot } from "../../src/http/Snapshot.ts"
import { type Machine, startDaemon } from "../support/cli.ts"
import { rangesFrom, until, watched } from "../support/doctor.ts"
import { ask, serves } from "../support/http.ts"
import { ensure } from "../support/programs.ts"
import { once, temporary } from "../support/root.ts"

const RANGES = rangesFrom(21_600)
/** The special before it has the first port. */
const PORT = 21_701
/** Of Prometheus itself. */
const PROMETHEUS = 21_690

once("installation of Prometheus", () => ensure(["prometheus", "promtool"], ["prometheus"]))

const promtool = (words: ReadonlyArray<string>, input = "") =>
  execFileSync("promtool", words, { input, encoding: "utf8" })

let box: Machine
beforeAll(async () => {
  box = watched(RANGES, { AUTOMATELINUX_HTTP: "on", AUTOMATELINUX_HOST: "laptop" })
  await box.ok("allocate", "--app", "cad", "--description", "secret words", "--dir", box.home)
  await box.ok("allocate", "--special", "stream")
  await box.ok("reserve", "21799", "--reason", "a test")
  await startDaemon(box, true)
  await serves(box, PORT)
})

/** An app that listens on the port and has metrics of its own. */
const app = async (port: number): Promise<void> => {
  const server = createServer((_, response) => void response.end("cad_answer 42\n"))
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done))
  onTestFinished(() => new Promise((done) => void server.close(() => done()).closeAllConnections()))
}

it("has metrics that promtool finds no fault with, and that count what is so", async () => {
  await app(21_601)
  await box.d("getPort", "--key", "none")
  const { headers, status, text } = await ask(PORT, "/metrics")
  expect(status).toBe(200)
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8")
  promtool(["check", "metrics"], text)
  const lines = text.split("\n")
  for (const line of [
    'd_ports{kind="dev",state="up"} 1',
    'd_ports{kind="special",state="up"} 1',
    'd_ports{kind="prod",state="up"} 0',
    'd_port_up{key="cad-dev",app="cad",kind="dev"} 1',
    'd_port_up{key="cad-prod",app="cad",kind="prod"} 0',
    'd_port_up{key="ports-dashboard",app="",kind="special"} 1',
    'd_slots{range="app",state="claimed"} 1',
    'd_slots{range="special",state="claimed"} 2',
    'd_slots{range="special",state="reserved"} 1',
    'd_slots{range="special",state="free"} 97',
    "d_database_up 1",
    "d_tick_failing 0",
    'd_request_duration_seconds_count{command="getPort",via="socket"} 1',
    'd_requests_failed_total{command="getPort",via="socket"} 1'
  ])
    expect(lines).toContain(line)
  // The daemon's own upkeep is no request.
  expect(text).not.toContain('command="getPort",via="http"')
  expect(text).toMatch(/^d_tick_duration_seconds_count [1-9]/m)
  for (const secret of [box.home, "secret words", /\bpid\b/]) expect(text).not.toMatch(secret)
})

it("escapes keys that other programs wrote, and has the rest if the database is away", () => {
  const key = 'a"b\\c\nd'
  const health = { state: "up", since: null, lastUp: null, checkedAt: null } as const
  const none = { description: null, host: null, owner: null, pinned: false, listener: null }
  const snapshot: Snapshot = {
    ranges: { app: { first: 3000, last: 3499 }, special: { first: 3500, last: 3999 } },
    lastTick: undefined,
    isTickFailing: true,
    registry: {
      latencyMs: 1,
      assignments: [{ ...none, key, port: 3500, kind: "special", app: null, health }],
      reserved: [],
      listening: new Set([3500, 3510])
    }
  }
  const metrics = makeMetrics()
  const text = metrics.text(snapshot)
  expect(text).toContain('d_port_up{key="a\\"b\\\\c\\nd",app="",kind="special"} 1\n')
  expect(text).toContain('d_slots{range="special",state="bound"} 1\n')
  promtool(["check", "metrics"], text)
  const away = metrics.text({ ...snapshot, registry: undefined })
  expect(away).toContain("\nd_database_up 0\n")
  expect(away).not.toMatch(/^d_ports|^d_slots|^d_port_up|latency/m)
  promtool(["check", "metrics"], away)
})

it("has alerts and a dashboard that name metrics that are there", async () => {
  promtool(["check", "rules", "docs/prometheus/alerts.yml"])
  const { text } = await ask(PORT, "/metrics")
  const known = new Set([...text.matchAll(/^([a-z_]+)/gm)].map(([, name]) => name))
  const used = ["docs/prometheus/alerts.yml", "docs/prometheus/grafana.json"]
    .map((file) => readFileSync(file, "utf8"))
    .join("\n")
    .matchAll(/\b(?:d|process)_[a-z_]+\b/g)
  const names = [...new Set([...used].map(([name]) => name))]
  expect(names.length).toBeGreaterThan(8)
  for (const name of names) expect([...known]).toContain(name)
  const page = readFileSync("docs/metrics.md", "utf8")
  for (const name of known)
    if (name !== undefined) expect(page).toContain(`\`${name.replace(/_seconds_(bucket|sum|count)$/, "_seconds")}\``)
})

/** The panels' queries are parsed by Prometheus itself. */
const queries = (): ReadonlyArray<string> =>
  [...readFileSync("docs/prometheus/grafana.json", "utf8").matchAll(/"expr": (".*?[^\\]")/g)].map(([, text = ""]) =>
    JSON.parse(text)
  )

it("is scraped by Prometheus, which finds the apps by it", { timeout: 60_000 }, async () => {
  await app(21_601)
  const directory = temporary()
  const config = readFileSync("docs/metrics.md", "utf8").match(/^```yaml\n(.*?)^```/ms)?.[1] ?? ""
  const file = join(directory, "prometheus.yml")
  const often = "global: { scrape_interval: 500ms, scrape_timeout: 400ms }\n"
  writeFileSync(file, often + config.replaceAll("localhost:3500", `localhost:${PORT}`).replace("30s", "1s"))
  promtool(["check", "config", file])
  const child = spawn(
    "prometheus",
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      `--web.listen-address=127.0.0.1:${PROMETHEUS}`,
      "--log.level=error"
    ],
    { stdio: "ignore" }
  )
  const gone = new Promise((done) => child.once("exit", done))
  onTestFinished(async () => {
    child.kill("SIGKILL")
    await gone
  })
  const query = async (expression: string) => {
    const answer = await ask(PROMETHEUS, `/api/v1/query?query=${encodeURIComponent(expression)}`).catch(() => undefined)
    // It is not ready at once, and says so in plain text.
    return answer?.status === 200 ? JSON.parse(answer.text).data.result : []
  }
  const [found] = await until(
    () => query("cad_answer"),
    (result) => result.length === 1,
    30
  )
  expect(found.value[1]).toBe("42")
  expect(found.metric).toMatchObject({
    job: "apps",
    key: "cad-dev",
    app: "cad",
    mode: "dev",
    instance: "localhost:21601"
  })
  const [own] = await until(
    () => query('d_port_up{key="cad-dev"}'),
    (result) => result.length === 1
  )
  expect(own.value[1]).toBe("1")
  for (const each of queries()) {
    const answer = await ask(PROMETHEUS, `/api/v1/query?query=${encodeURIComponent(each)}`)
    expect(answer.status, each).toBe(200)
  }
})

it("lists every key as a target", async () => {
  const { headers, text } = await ask(PORT, "/sd")
  expect(headers["content-type"]).toBe("application/json")
  const all = JSON.parse(text)
  expect(all).toHaveLength(4)
  expect(all[0]).toEqual({
    targets: ["localhost:21600"],
    labels: {
      __meta_d_key: "cad-prod",
      __meta_d_app: "cad",
      __meta_d_mode: "prod",
      __meta_d_host: "laptop",
      __meta_d_health: expect.any(String)
    }
  })
})
