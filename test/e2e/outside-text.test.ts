import { spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { expect, it, onTestFinished } from "vitest"
import type { Results } from "../../src/commands/Results.ts"
import { type Machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { ACTING } from "../support/controlCharacters.ts"
import { findingsOf, fixOf, started, until } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { temporary } from "../support/root.ts"
import { withSqlite } from "../support/sqlite.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "25700-25799", AUTOMATELINUX_SPECIAL_RANGE: "25800-25849" }

/** Colours, a forged line, another direction of writing, what cannot be seen, and an emoji of three that is harmless. */
const HOSTILE = "a\u001b[31m\nforged\r\u202eb\u200bc\u2028d\u009b2J\u007f\u{e0041}\u2066 👩‍💻"
const SHOWN = "a\\u001b[31m\\u000aforged\\u000d\\u202eb\\u200bc\\u2028d\\u009b2J\\u007f\\u{e0041}\\u2066 👩\\u200d💻"

const fileOf = (box: Machine) => join(box.home, ".local/state/automatelinux/ports.sqlite")

/** Another program writes to every table, past `d`. */
const writeEverywhere = (box: Machine, text: string) =>
  withSqlite(fileOf(box), (file) => {
    const write = (sql: string, ...values: ReadonlyArray<string>) => file.prepare(sql).run(...values)
    write("INSERT INTO settings VALUES (?, '25701')", `port_${text}`)
    write("INSERT INTO settings VALUES ('port_none', ?)", text)
    write("INSERT INTO settings VALUES (?, ?)", `port_no ${text}`, text)
    write("UPDATE port_keys SET description = ?, host = ?, by = ?", text, text, text)
    write("UPDATE port_claims SET host = ?, by = ?, claimed_at = ?", text, text, text)
    write("INSERT INTO port_reserved VALUES (25702, ?, ?, ?, ?)", text, text, text, text)
    write("UPDATE port_history SET what = ?, detail = ?, host = ?, user = ?, program = ?", text, text, text, text, text)
    write("UPDATE port_owners SET name = ?, since = ?, seen = ?", text, text, text)
  })

const COMMANDS = [
  ["listPorts"],
  ["explain", "--port", "25700"],
  ["explain", "--port", "25702"],
  ["explain", "--key", "mine-prod"],
  ["getPort", "--key", "none"],
  ["rename", "--key", "mine-prod", "--to", "none"],
  ["setPort", "--key", "mine-prod", "--value", "25701"],
  ["setPort", "--key", "mine-dev", "--value", "25702"],
  ["reserve", "--port", "25701", "--reason", "why"],
  ["reserve", "--port", "25703", "--reason", "a \u202e reason"],
  ["unreserve", "--port", "25702"],
  ["doctor", "--fix"],
  ["doctor"],
  ["allocate", "--app", "none"]
]

/** What a program that speaks the daemon's older protocol is answered. */
const plainly = (socket: string, request: object | Buffer): Promise<string> =>
  new Promise((done, fail) => {
    const client = connect(socket).setEncoding("utf8")
    let text = ""
    client.on("error", fail)
    client.on("data", (chunk) => (text += chunk))
    client.on("end", () => done(text))
    client.end(Buffer.isBuffer(request) ? request : `${JSON.stringify(request)}\n`)
  })

const fieldsOf = ([command = "", ...words]: ReadonlyArray<string>) => {
  const fields: Record<string, unknown> = { command }
  for (let at = 0; at < words.length; at++) {
    const name = (words[at] ?? "").slice(2)
    if (name === "fix") fields[name] = true
    else fields[name] = words[++at]
  }
  return fields
}

it.each(["alone", "through a daemon", "with JSON", "over the plain protocol"])(
  "writes what other programs wrote as plain lines: %s",
  async (how) => {
    const box = inProcess({ ...RANGES, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
    await box.ok("allocate", "--app", "mine", "--dir", "/opt/mine")
    const daemon = how === "alone" ? undefined : await startDaemon(box)
    writeEverywhere(box, HOSTILE)
    let all = ""
    for (const words of COMMANDS) {
      if (how.startsWith("over")) all += await plainly(daemon?.socket ?? "", fieldsOf(words))
      else {
        const run = await box.d(...words, ...(how === "with JSON" ? ["--json"] : []))
        all += run.stdout + run.stderr
      }
    }
    await daemon?.stop()
    all += daemon?.log() ?? ""
    expect(all).not.toMatch(ACTING)
    expect(all.split("\n").filter((line) => line.startsWith("forged"))).toEqual([])
    if (how === "alone") {
      expect(all).toContain(`\nreserved    25702: ${SHOWN}\n`)
      expect(all).toContain(`  prod     unknown  ${SHOWN}\n`.slice(2))
    }
  }
)

it("gives JSON as it is", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "mine")
  writeEverywhere(box, HOSTILE)
  const listed: Results["listPorts"] = JSON.parse(await box.ok("listPorts", "--json"))
  expect(listed.map(({ key }) => key)).toContain(HOSTILE)
  expect(listed.find(({ key }) => key === "mine-prod")?.description).toBe(HOSTILE)
  const explained: Results["explain"] = JSON.parse(await box.ok("explain", "--port", "25700", "--json"))
  expect(explained.reserved).toEqual([{ port: 25702, reason: HOSTILE }])
  expect(explained.history[0]).toMatchObject({ what: HOSTILE, detail: HOSTILE, user: HOSTILE })
})

it("keeps a stated length of what other programs wrote, and never half of a character", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "mine")
  writeEverywhere(box, "🙂".repeat(100_000))
  for (const words of COMMANDS) {
    const run = await box.d(...words)
    const longest = Math.max(...`${run.stdout}\n${run.stderr}`.split("\n").map((line) => line.length))
    // A history's line has a detail of a path's length and five names.
    expect(longest, words.join(" ")).toBeLessThan(words[0] === "explain" ? 12_000 : 2000)
    expect(run.stdout + run.stderr).not.toMatch(ACTING)
  }
  const listed: Results["listPorts"] = JSON.parse(await box.ok("listPorts", "--json"))
  expect(listed.find(({ key }) => key === "mine-prod")?.description).toBe(`${"🙂".repeat(499)}…`)
  // The rows whose names are no keys go with what is printed for it.
  for (const finding of await findingsOf(box, "value-invalid")) {
    if (finding.keys.some((key) => key.length > 1000)) await box.typed("dash", fixOf(finding))
  }
  expect((await findingsOf(box, "value-invalid")).flatMap(({ keys }) => keys)).toEqual(["none"])
})

it("names a few of many keys on one port", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "mine")
  withSqlite(fileOf(box), (file) => {
    const write = file.prepare("INSERT INTO settings VALUES (?, '25700')")
    for (let at = 0; at < 1000; at++) write.run(`port_k${at}`)
  })
  const run = await box.d("setPort", "--key", "more", "--value", "25700")
  expect(run.stderr).toMatch(/^error: 25700 belongs to k0, k1, k10, k100, k101 and 996 others; more was not set\n/)
})

it("answers also if another program wrote bytes and nonsense", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "mine", "--dir", "/opt/mine")
  withSqlite(fileOf(box), (file) => {
    file.exec(`UPDATE port_keys SET description = X'ff1b5b', host = X'1b';
      UPDATE port_claims SET by = X'1b', claimed_at = X'1b';
      UPDATE port_owners SET kind = 'nonsense', seen = 'never' WHERE key = 'mine-dev';
      UPDATE port_owners SET seen = 'never' WHERE key = 'mine-prod';
      UPDATE port_history SET detail = X'1b', user = 17;
      INSERT INTO settings VALUES (X'706f72745f626f786564', X'3235373130');
      INSERT INTO port_registry VALUES ('watched:box', 'nonsense at no time');
      INSERT INTO port_health VALUES ('box', 25700, 'mine-prod', 'nonsense', 'then', X'1b', 'x', 'y', X'1b');
      INSERT INTO port_reserved VALUES (25702, X'1b5b41', 1, 2, 3)`)
  })
  const here = box.with({ AUTOMATELINUX_HOST: "box" })
  for (const words of COMMANDS) {
    const run = await here.d(...words)
    expect(run.code, `${words.join(" ")}: ${run.stderr}`).toBeLessThan(2)
    expect(run.stdout + run.stderr).not.toMatch(ACTING)
    expect(run.stdout + run.stderr).not.toMatch(/NaN|undefined|\[object/)
  }
  expect(await here.ok("listPorts")).toMatch(/^none +25700 +special +unknown/m)
})

/** A process that listens, by another name, in a directory of that name. */
const serveAs = (name: string, directory: string, port: number) =>
  started(
    spawn(
      "bash",
      [
        "-c",
        'exec -a "$1" "$2" -e "$3"',
        "bash",
        name,
        process.execPath,
        `require("node:net").createServer().listen(${port}, "127.0.0.1", () => console.log("up"))`
      ],
      { cwd: directory, stdio: ["ignore", "pipe", "inherit"] }
    ),
    directory
  )

it("cuts the name of a process at its source, and tells its directory whole", async () => {
  const box = inProcess({ ...RANGES, AUTOMATELINUX_PROBE_INTERVAL: "200 millis" })
  await box.ok("setPort", "--key", "long", "--value", "25801")
  await box.ok("setPort", "--key", "odd", "--value", "25802")
  const directory = join(temporary(), "w 🙂\u001b[31m\nforged \u202e'\"$(touch obeyed)`")
  mkdirSync(directory)
  await serveAs(`/x/${"y".repeat(70_000)}`, temporary(), 25_801)
  await serveAs("-odd\u001b[2J\nforged \u202e", directory, 25_802)
  // Nobody has registered it, and allocation passes it over.
  await serveAs("z".repeat(70_000), directory, 25_800)
  const daemon = await startDaemon(box)
  const list = async (): Promise<Results["listPorts"]> => JSON.parse(await box.ok("listPorts", "--json"))
  await until(list, (ports) => ports.every(({ health }) => health.since !== null))
  const [long, odd] = await list()
  expect(long?.listener?.command).toBe(`${"y".repeat(79)}…`)
  expect(odd?.listener).toMatchObject({ command: "-odd\u001b[2J\nforged \u202e", directory })
  let all = ""
  for (const words of [
    ["listPorts"],
    ["doctor"],
    ["explain", "--key", "odd"],
    ["explain", "--key", "long"],
    ["setPort", "--key", "odd", "--value", "25801", "--force"],
    ["allocate", "--special", "next"],
    ["allocate", "--special", "next2", "--json"],
    ["doctor", "--accept", "odd"]
  ]) {
    const run = await box.d(...words)
    all += run.stdout + run.stderr
  }
  await daemon.stop()
  all += daemon.log()
  expect(all).toMatch(/skipped 25800: z+…, pid/)
  expect(all).not.toMatch(ACTING)
  expect(all.split("\n").filter((line) => line.startsWith("forged"))).toEqual([])
  expect(Math.max(...all.split("\n").map((line) => line.length))).toBeLessThan(2000)
})

it("escapes its log on a terminal too", async () => {
  const box = inProcess({ ...RANGES, AUTOMATELINUX_PROBE_INTERVAL: "200 millis" })
  await box.ok("allocate", "--app", "mine")
  withSqlite(fileOf(box), (file) => {
    file.prepare("INSERT INTO settings VALUES (?, '25810')").run("port_a\u001b[2J\nforged")
  })
  const directory = join(temporary(), "w\u001b[2J\nforged \u202e")
  mkdirSync(directory)
  await serveAs("x", directory, 25_810)
  const child = spawn("script", ["-qfec", `${process.execPath} ${PROGRAM} daemon`, "/dev/null"], {
    env: { ...box.env, TERM: "xterm" },
    cwd: box.home,
    stdio: ["ignore", "pipe", "inherit"]
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  let log = ""
  child.stdout.on("data", (chunk) => (log += chunk))
  await until(
    async () => log,
    (text) => text.includes("followed") && /is up[\s\S]*listener/.test(text)
  )
  // Colours are what it may write.
  const plain = stripVTControlCharacters(log).replaceAll("\r\n", "\n")
  expect(plain).not.toMatch(ACTING)
  expect(plain.split("\n").filter((line) => /^\s*forged/.test(line))).toEqual([])
})

it.each([
  ["allocate", "--app", "cad", "--description"],
  ["setPort", "--key", "cad-dev", "--description"],
  ["reserve", "--port", "25803", "--reason"],
  ["setPort", "--key", "cad-dev", "--dir"]
])("refuses bytes that are not UTF-8: %s %s %s %s", async (...words) => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  const before = await box.ok("listPorts", "--json")
  const run = await box.sh(`d ${words.join(" ")} "$(printf '/caf\\351')"`)
  expect(run).toMatchObject({ code: 2, stdout: "" })
  expect(run.stderr).toContain(`${words.at(-1)?.slice(2)} "/caf\ufffd" has bytes that are not UTF-8`)
  expect(await box.ok("listPorts", "--json")).toBe(before)
})

it("refuses bytes that are not UTF-8 over the wire too", async () => {
  const box = inProcess(RANGES)
  const daemon = await startDaemon(box)
  const request = Buffer.from('{"command":"reserve","port":25804,"reason":"caf\u00e9"}', "latin1")
  expect(await plainly(daemon.socket, request)).toBe(
    'ERROR: reason "caf\ufffd" has bytes that are not UTF-8: write it in UTF-8\n'
  )
})

it("takes no directory for an owner whose name is not UTF-8", async () => {
  const box = inProcess({ ...RANGES, AUTOMATELINUX_PROBE_INTERVAL: "200 millis" })
  await box.ok("setPort", "--key", "odd", "--value", "25820")
  const directory = Buffer.concat([Buffer.from(temporary()), Buffer.from([0x2f, 0xe9])])
  mkdirSync(directory)
  const script = `require("node:net").createServer().listen(25820, "127.0.0.1", () => console.log("up"))`
  const child = spawn(
    "bash",
    [
      "-c",
      `cd -- "$(printf '${directory.toString("latin1").slice(0, -1)}\\351')" && exec "$0" -e '${script}'`,
      process.execPath
    ],
    {
      stdio: ["ignore", "pipe", "inherit"]
    }
  )
  await started(child, "")
  await startDaemon(box)
  const explain = async (): Promise<Results["explain"]> => JSON.parse(await box.ok("explain", "--key", "odd", "--json"))
  const explained = await until(explain, ({ keys }) => typeof keys[0]?.health.since === "string")
  expect(explained.listeners[0]?.directory).toBe(null)
  expect(JSON.stringify(explained)).not.toContain("\ufffd")
})
