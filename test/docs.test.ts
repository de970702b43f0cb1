import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { commandList } from "../src/commands/commands.ts"
import { SETTING_NAMES, variableOf } from "../src/config/settings.ts"
import { EXIT_CODES } from "../src/domain/CommandError.ts"
import { CHECK_NAMES, SEVERITIES } from "../src/domain/Finding.ts"
import { listen, machine, startDaemon } from "./support/cli.ts"
import { gitEnv } from "./support/git.ts"
import { at, atEach, rangesEnv } from "./support/ports.ts"
import { temporary } from "./support/root.ts"

const documents = [
  "README.md",
  ...readdirSync("docs", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name))
]

/** What a document shows: each command line after `$ `, with what it prints on both streams. */
const shown = (text: string) =>
  [...text.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = ""]) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((entry) => {
        const end = entry.indexOf("\n")
        return { line: entry.slice(0, end), prints: entry.slice(end + 1) }
      })
  )

/** Ports of five digits make their column wider than it is shown. */
const aligned = (text: string): string => (at(3000) > 9999 ? text.replaceAll(/ {2,}/g, "  ") : text)

/** What a link to a heading ends in, as GitHub and npm name it. */
const anchorsOf = (text: string): ReadonlyArray<string> =>
  [...text.replaceAll(/^```.*?^```$/gms, "").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-")
  )

describe.each(documents)("%s", (path) => {
  const text = readFileSync(path, "utf8")

  it("shows what really happens", async () => {
    const box = machine({ ...rangesEnv, ...gitEnv })
    if (text.includes("socat")) await startDaemon(box)
    // As its set-up does.
    if (path === "README.md") await box.ok("allocate", "--app", "cad")
    symlinkSync(join(process.cwd(), "node_modules"), join(box.home, "node_modules"))
    for (const { line, prints } of shown(text)) {
      const run = await box.sh(`exec 2>&1; ${atEach(line)}`)
      const printed = run.stdout
        .replaceAll(box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? "", "/run/d.sock")
        .replaceAll(box.home, "/home/me")
        // What else runs on this machine is nobody's business.
        .replaceAll(/\d+ listeners?,/g, "0 listeners,")
      expect(aligned(`$ ${line}\n${printed}`)).toBe(aligned(`$ ${line}\n${atEach(prints)}`))
    }
  })

  it("links to what is there", () => {
    for (const [link, target = "", anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
      const file = target === "" ? path : join(path, "..", target)
      expect(existsSync(file), link).toBe(true)
      if (anchor !== undefined) expect(anchorsOf(readFileSync(file, "utf8")), link).toContain(anchor)
    }
  })
})

describe("the pictures", () => {
  const drawn = (directory: string, name: string): string =>
    readFileSync(join(directory, name), "utf8")
      .replace(/^.*<rect[^>]*>$/ms, "")
      .replaceAll(/<[^>]*>/g, "")
      // The user, the pids, the times and the ports are this machine's.
      .replaceAll(/\bof \w+,/g, "")
      .replaceAll(/[\d\s]/g, "")

  it("show what the program prints now", { timeout: 60_000 }, () => {
    const made = temporary()
    const run = spawnSync(process.execPath, ["src/build/pictures.mjs", made], {
      env: { ...process.env, ...rangesEnv },
      encoding: "utf8"
    })
    expect(run.stderr).toBe("")
    // The others are of the dashboard: test/dashboard/pictures.test.ts.
    expect(readdirSync(made)).toEqual(readdirSync("docs/pictures").filter((name) => name.endsWith(".svg")))
    for (const name of readdirSync(made))
      expect(drawn(made, name), `npm run pictures makes ${name}`).toBe(drawn("docs/pictures", name))
  })
})

const jsonBlocks = (path: string): ReadonlyArray<Record<string, unknown>> =>
  [...readFileSync(path, "utf8").matchAll(/^```json\n(.*?)^```$/gms)].map(([, block = ""]) => JSON.parse(block))

/** The names of the fields of `value`, and of the objects in them. All objects of an array have the same. */
const fieldsOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.length === 0 ? "array" : [fieldsOf(value[0])]
  if (typeof value !== "object" || value === null) return "value"
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, fieldsOf(field)]))
}

it("shows the fields of each JSON document as the commands print them", async () => {
  const box = machine({ ...rangesEnv, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  await box.ok("allocate", "--app", "cad", "--app", "pt")
  await listen(at(3001), "127.0.0.1")
  await startDaemon(box)
  await box.ok("doctor", "--ignore", "port-unreachable", "--key", "cad-prod", "--reason", "not started here")
  const documentOf = async (...words: ReadonlyArray<string>) => JSON.parse((await box.d(...words, "--json")).stdout)
  const [listed, explained, status] = jsonBlocks("docs/commands.md")
  const [, dev] = await documentOf("listPorts", "--app", "cad")
  expect(fieldsOf(listed)).toEqual(fieldsOf(dev))
  expect(fieldsOf(explained)).toEqual(fieldsOf(await documentOf("explain", "--port", String(at(3001)))))
  expect(fieldsOf(status)).toEqual(fieldsOf(await documentOf("status")))
  const [doctor] = jsonBlocks("docs/doctor.md")
  expect(fieldsOf(doctor)).toEqual(fieldsOf(await documentOf("doctor")))
})

it("shows a configuration file that is read", async () => {
  const [settings] = jsonBlocks("docs/configuration.md")
  const box = machine()
  mkdirSync(join(box.home, ".config/automatelinux"), { recursive: true })
  writeFileSync(join(box.home, ".config/automatelinux/ports.json"), JSON.stringify(settings))
  expect(await box.ok("explain", "--port", "3205")).toContain("reservedPorts")
})

it("finds the commands that the documents show", () => {
  const lines = documents.flatMap((path) => shown(readFileSync(path, "utf8")))
  expect(lines.length).toBeGreaterThan(30)
})

it("has every command and option in the page of commands", () => {
  const page = readFileSync("docs/commands.md", "utf8")
  for (const { name, options } of commandList) {
    const section = page.split(/^## /m).find((part) => new RegExp(`^.*\\b${name}\\b`).test(part)) ?? ""
    expect(section, name).not.toBe("")
    for (const option of options) expect(section, `${name} --${option.name}`).toContain(`--${option.name}`)
  }
})

it("has every setting in the page of configuration, and in the file's spelling too", () => {
  const page = readFileSync("docs/configuration.md", "utf8")
  for (const name of SETTING_NAMES) {
    expect(page).toContain(`\`${variableOf(name)}\``)
    expect(page).toContain(`\`${name}\``)
  }
})

it("has every check in the page of the doctor, in their order, with its severities", () => {
  const page = readFileSync("docs/doctor.md", "utf8")
  const rows = [...page.matchAll(/^\| `([a-z]+-[a-z]+)` \| ([a-z, ]+) \|/gm)].map(([, name, severity]) => ({
    name,
    severity
  }))
  expect(rows.map(({ name }) => name)).toEqual(CHECK_NAMES)
  for (const { name = "", severity } of rows) {
    const file = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
    const source = readFileSync(`src/doctor/checks/${file}.ts`, "utf8")
    for (const each of SEVERITIES) if (source.includes(`"${each}"`)) expect(severity, name).toContain(each)
  }
})

it("has every error code in the page of commands", () => {
  const page = readFileSync("docs/commands.md", "utf8")
  const codes = Object.keys(EXIT_CODES).filter((code) => code !== "other-store")
  for (const code of codes) expect(page).toContain(`\`${code}\``)
})
