import { execFileSync, spawn } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import mysql from "mysql2/promise"
import { describe, expect, it } from "vitest"
import { collect, type Machine, machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { mariadb, sqlite } from "../support/databases.ts"
import { inProcess } from "../support/inProcess.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "30950-30969", AUTOMATELINUX_SPECIAL_RANGE: "30970-30979" }

/** The registry that people keep in their notes. */
const NOTES = `# Ports of this machine

| Key | Port | Description |
| --- | --- | --- |
| cad-prod | 3000 | CAD app production |
| \`cad-dev\` | 3001 | CAD app development |
| pt-prod | 3002 | Public Transportation production |
| pt-dev | 3003 | Public Transportation development |
| loom-dev | 3005 | Loom client (dev only) |
| dashboard-prod | 3006 | Dashboard frontend production |
| dashboard-dev | 3007 | Dashboard frontend development |
| loom-server | 3500 | Loom WebSocket stream server |
| dashboard-bridge | 3501 | Dashboard daemon bridge |

Everything else is free.
`

const write = (box: Machine, name: string, content: string | Buffer): string => {
  const path = join(box.home, name)
  writeFileSync(path, content)
  return path
}

/** The lines on standard error, without those that every import of a few rows has. */
const errors = (stderr: string): ReadonlyArray<string> =>
  stderr.split("\n").filter((line) => line !== "" && !line.startsWith("warning:"))

describe.each([sqlite, mariadb])("moving a registry on $name", (database) => {
  const registry = async () => inProcess({ ...RANGES, ...(await database.fresh()) })

  it("takes the table of the notes as it stands, and takes it back in one undo", async () => {
    const box = await registry()
    const empty = await box.ok("export")
    const run = await box.d("import", write(box, "ports.md", NOTES))
    expect(run.code).toBe(0)
    expect(run.stdout.split("\n")).toEqual([
      "cad-prod 3000",
      "cad-dev 3001",
      "pt-prod 3002",
      "pt-dev 3003",
      "loom-dev 3005",
      "dashboard-prod 3006",
      "dashboard-dev 3007",
      "loom-server 3500",
      "dashboard-bridge 3501",
      ""
    ])
    expect(errors(run.stderr)).toEqual(["note: imported 9 ports"])
    expect(await box.ok("get", "loom-server")).toBe("3500\n")
    expect(JSON.parse(await box.ok("history", "--json")).operations).toMatchObject([{ what: "import", undoable: true }])
    const again = await box.d("import", join(box.home, "ports.md"))
    expect(again).toEqual({ code: 0, stdout: "", stderr: "note: imported nothing; 9 rows were there already\n" })
    // Whoever runs the tests may have an app on 3000.
    await box.ok("undo", "--force")
    expect(await box.ok("export")).toBe(empty)
  })

  it("moves through every format that can be read", async () => {
    const one = await registry()
    await one.ok("import", write(one, "ports.md", NOTES))
    await one.ok("describe", "--key", "cad-dev", "--description", '=1+1 | "a, b" \\ <b> 👩‍👩‍👧 שלום')
    await one.ok("reserve", "30951", "--reason", "kept free")
    for (const format of ["json", "csv", "markdown"]) {
      const two = await registry()
      const text = await one.ok("export", "--format", format)
      await two.ok("import", write(two, "moved", text))
      const pick = (exported: string) =>
        JSON.parse(exported).assignments.map(({ description, key, port }: Record<string, unknown>) => [
          key,
          port,
          description
        ])
      expect(pick(await two.ok("export"))).toEqual(pick(await one.ok("export")))
      expect(await two.ok("export", "--format", format)).toBe(text)
    }
  })

  it("writes nothing if one of 500 rows is wrong, and names its line", async () => {
    const box = await registry()
    const rows = Array.from({ length: 500 }, (_, at) => `app-${at},${20_000 + at}`)
    rows[249] = "my app,20249"
    const path = write(box, "500.csv", `key,port\n${rows.join("\n")}\n`)
    const run = await box.d("import", path)
    expect(run).toEqual({
      code: 1,
      stdout: "",
      stderr: [
        "line 251: key \"my app\" is not a key: use letters, digits, '.', '_' and '-', beginning with a letter or a digit; my-app would be one",
        "error: 1 row does not fit, so nothing was imported",
        "hint: correct the file, or leave these rows out with --on-conflict skip",
        ""
      ].join("\n")
    })
    expect(JSON.parse(await box.ok("export")).assignments).toEqual([])
    const skipped = await box.d("import", path, "--on-conflict", "skip")
    expect(skipped.code).toBe(0)
    expect(skipped.stdout.split("\n")).toHaveLength(500)
    expect(errors(skipped.stderr)).toEqual([
      expect.stringMatching(/^skipped line 251: key "my app" is not a key/),
      "note: imported 499 ports"
    ])
  })

  it("lists all conflicts at once, and skips or forces them", async () => {
    const box = await registry()
    await box.ok("import", write(box, "ports.md", NOTES))
    const before = await box.ok("export")
    const path = write(
      box,
      "more.csv",
      [
        "key,port,description",
        "cad-dev,3001,The new words",
        "pt-dev,30953,",
        "other-dev,3001,",
        "db,3306,",
        "big,99999,",
        "none,,",
        "fine-dev,30951,",
        "fine-dev,30953,",
        `long-dev,30955,${"x".repeat(501)}`,
        "late-dev,30951,"
      ].join("\n")
    )
    const run = await box.d("import", path)
    expect(run.code).toBe(1)
    expect(run.stdout).toBe("")
    expect(run.stderr.split("\n")).toEqual([
      "line 3: pt-dev 30953: pt-dev has 3003",
      "line 4: other-dev 3001: 3001 belongs to cad-dev",
      expect.stringMatching(/^line 5: db 3306: 3306 is reserved: MySQL/),
      'line 6: big: port "99999" is not a port: write a whole number from 1 to 65535',
      "line 7: none: port is missing",
      "line 9: fine-dev 30953: the file has another port for fine-dev further up",
      "line 10: long-dev: description is 501 characters long: at most 500 are kept",
      "line 11: late-dev 30951: 30951 belongs to fine-dev",
      "error: 8 rows do not fit, so nothing was imported",
      "hint: correct the file; --on-conflict skip leaves these rows out, --on-conflict force moves the keys and shares ports",
      ""
    ])
    expect(await box.ok("export")).toBe(before)

    const json = await box.d("import", path, "--json")
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({
      changed: false,
      imported: [],
      refused: [
        { line: 3, key: "pt-dev", port: "30953", reason: "moved", current: 3003 },
        { line: 4, reason: "taken", holders: ["cad-dev"] },
        { line: 5, reason: "reserved" },
        { line: 6, reason: "invalid", field: "port" },
        { line: 7, reason: "invalid", field: "port" },
        { line: 9, reason: "twice" },
        { line: 10, reason: "invalid", field: "description" },
        { line: 11, reason: "taken", holders: ["fine-dev"] }
      ]
    })

    const skipped = await box.d("import", path, "--on-conflict", "skip", "--dry-run")
    expect(skipped.stdout).toBe("fine-dev 30951\n")
    expect(errors(skipped.stderr).at(-1)).toBe("note: would import 1 port, 1 description")
    expect(await box.ok("export")).toBe(before)

    // What is wrong by itself cannot be forced.
    expect((await box.d("import", path, "--on-conflict", "force")).code).toBe(1)
    const forced = write(box, "forced.csv", "pt-dev,30953\nother-dev,3001\ndb,3306\n")
    const run2 = await box.d("import", forced, "--on-conflict", "force")
    expect(run2).toMatchObject({ code: 0, stdout: "pt-dev 30953\nother-dev 3001\ndb 3306\n" })
    expect(run2.stderr).toContain("warning: other-dev shares its port with another key")
    expect(run2.stderr).toContain("warning: db has a reserved port")
    expect((await box.d("explain", "3001")).stdout).toContain("other-dev")
    await box.ok("undo")
    expect(await box.ok("export")).toBe(before)
  })

  it("takes the first of several owners of a key, and none of a key whose row does not fit", async () => {
    const box = await registry()
    await box.ok("setPort", "--key", "held-dev", "--value", "30951")
    const document = {
      format: "automatelinux-ports",
      version: 1,
      assignments: [
        { key: "web-dev", port: 30_953 },
        { key: "held-dev", port: 30_955 }
      ],
      owners: [
        { key: "web-dev", kind: "directory", name: "/a/web" },
        { key: "web-dev", kind: "directory", name: "/b/web" },
        { key: "held-dev", kind: "directory", name: "/c/held" }
      ]
    }
    const path = write(box, "owners.json", JSON.stringify(document))
    expect(await box.d("import", path, "--on-conflict", "skip")).toMatchObject({ code: 0, stdout: "web-dev 30953\n" })
    const { owners } = JSON.parse(await box.ok("export"))
    expect(owners).toMatchObject([{ key: "web-dev", name: "/a/web" }])
  })

  it("swaps two ports by force", async () => {
    const box = await registry()
    const path = write(box, "a.csv", "a-dev,30951\nb-dev,30953\n")
    await box.ok("import", path)
    const swapped = await box.d("import", write(box, "b.csv", "a-dev,30953\nb-dev,30951\n"), "--on-conflict", "force")
    expect(swapped).toMatchObject({ code: 0, stdout: "a-dev 30953\nb-dev 30951\n" })
    expect(swapped.stderr).not.toContain("shares")
    expect((await box.d("doctor", "--check", "claim-drift")).code).toBe(0)
    expect((await box.d("doctor", "--check", "port-shared")).code).toBe(0)
  })

  it("keeps owners and reservations that are there, unless it is forced", async () => {
    const box = await registry()
    const document = (directory: string, reason: string) =>
      JSON.stringify({
        format: "automatelinux-ports",
        version: 1,
        assignments: [{ key: "a-dev", port: 30_951 }],
        owners: [
          { key: "a-dev", kind: "directory", name: directory },
          { key: "gone", kind: "unit", name: "x.service" }
        ],
        reservations: [{ port: 30_960, reason }]
      })
    await box.ok("import", write(box, "a.json", document("/opt/a", "one")))
    expect(await box.ok("history")).toContain("a-dev: none → 30951, 30960: reserved\n")
    const run = await box.d("import", write(box, "b.json", document("/opt/b", "two")))
    expect(run.stderr).toBe(
      "note: kept 1 owner and 1 reservation as stored, which the file has differently\nnote: imported nothing; 1 row was there already\n"
    )
    await box.ok("import", join(box.home, "b.json"), "--on-conflict", "force")
    expect(JSON.parse(await box.ok("export"))).toMatchObject({
      owners: [{ key: "a-dev", name: "/opt/b", said: true, seen: null }],
      reservations: [{ port: 30_960, reason: "one" }]
    })
  })

  it("prints rows that the database takes as they were", async () => {
    const box = await registry()
    await box.ok("import", write(box, "ports.md", NOTES))
    const { AUTOMATELINUX_DATABASE_URL: url } = box.env
    const run = async (statements: string) => {
      if (url === undefined) {
        const file = join(box.home, ".local/state/automatelinux/ports.sqlite")
        return execFileSync("sqlite3", [file], { input: statements, encoding: "utf8" })
      }
      const { hostname, password, pathname, port, searchParams, username } = new URL(url)
      const socketPath = searchParams.get("socket")
      const connection = await mysql.createConnection({
        ...(socketPath === null ? { host: hostname, port: Number(port || 3306) } : { socketPath }),
        user: username,
        password: decodeURIComponent(password),
        database: pathname.slice(1),
        multipleStatements: true
      })
      await connection.query(statements)
      return connection.end()
    }
    await run("INSERT INTO settings VALUES ('port_it''s', 'a' ); INSERT INTO settings VALUES ('other', 'x');")
    const { stdout: sql } = await box.d("export", "--format", "sql")
    expect(sql.split("\n")).toHaveLength(11)
    const before = await box.ok("export")
    await run("DELETE FROM settings WHERE setting_key LIKE 'port%'")
    await run(sql)
    expect(await box.ok("export")).toBe(before)
  })

  it("moves 5,000 keys in one line to a daemon", { timeout: 120_000 }, async () => {
    const box = machine({ ...RANGES, ...(await database.fresh()) })
    const rows = Array.from({ length: 5000 }, (_, at) => `service-number-${at},${20_000 + at},What it is for: ${at}`)
    write(box, "5000.csv", ["key,port,description", ...rows].join("\n"))
    await startDaemon(box)
    const run = await box.d("import", "5000.csv")
    expect(errors(run.stderr)).toEqual(["note: imported 5000 ports"])
    const { operations } = JSON.parse(await box.ok("history", "--json"))
    expect(operations).toMatchObject([{ what: "import", program: "daemon" }])
    const exported = await box.ok("export")
    expect(JSON.parse(exported).assignments).toHaveLength(5000)
    expect(await box.with({ AUTOMATELINUX_DAEMON: "never" }).ok("export")).toBe(exported)
    // Of so many ports, other tests may be listening on some.
    await box.ok("undo", "--force")
    expect(JSON.parse(await box.ok("export")).assignments).toEqual([])
  })
})

it("refuses each file that cannot be read with one sentence", async () => {
  const box = inProcess(RANGES)
  mkdirSync(join(box.home, "folder"))
  const files: ReadonlyArray<readonly [name: string, content: string | Buffer | undefined, message: string]> = [
    ["missing.csv", undefined, 'cannot read .*missing.csv": no such file'],
    ["folder", undefined, 'cannot read .*folder": it is a directory'],
    ["empty.csv", "", '.*empty.csv" is empty'],
    ["blank.csv", "\ufeff\r\n \n", '.*blank.csv" is empty'],
    ["huge.csv", Buffer.alloc(16 * 2 ** 20 + 1, "a"), '.*huge.csv" is larger than 16 MiB'],
    ["binary.csv", Buffer.from([0x50, 0x4b, 0, 1, 2]), '.*binary.csv" is not a text file'],
    ["latin.csv", Buffer.from("key,port\ncaf\xe9,3001\n", "latin1"), '.*latin.csv" is not UTF-8'],
    ["wide.csv", Buffer.from("\ufeffkey,port\n", "utf16le"), '.*wide.csv" is UTF-16'],
    ["text.txt", "Hello\n", 'cannot tell the format of "text.txt"'],
    ["none.md", "# Title\n", '"none.md" has no table with a column "Key" and a column "Port"'],
    ["quotes.csv", 'key,port\n"a,3001\n', '"quotes.csv" is not a CSV file: .*'],
    ["broken.json", '{"format": "automatelinux-ports",', 'cannot tell the format of "broken.json"'],
    [
      "newer.json",
      '{"format":"automatelinux-ports","version":2}',
      '"newer.json" line 1: version is 2: a newer d wrote this'
    ],
    [
      "wrong.json",
      '{\n"format":"automatelinux-ports","version":1,\n"assignments":[{"key":"a","port":1},\n{"key":"b","port":2,\n"claimed":{"at":"now","host":"h","by":"b"}}]}',
      '"wrong.json" line 5: assignments\\[1\\].claimed.at is not a time in UTC, as 2026-11-26T14:00:00.000Z'
    ],
    [".env", "A=1\n\n", ""],
    ["package.json", '{"scripts":{"start":"serve -p $PORT"}}', '"package.json" has no ports to import']
  ]
  for (const [name, content, message] of files) {
    if (content !== undefined) write(box, name, content)
    const run = await box.d("import", join(box.home, name))
    if (message === "") {
      expect(run, name).toMatchObject({ code: 0, stdout: "" })
      continue
    }
    expect(run.code, name).toBe(2)
    expect(run.stdout, name).toBe("")
    expect(run.stderr, name).toMatch(new RegExp(`^(note: .*\n)?error: ${message}\nhint: [^\n]+\n$`))
    const json = await box.d("import", join(box.home, name), "--json")
    expect(JSON.parse(json.stderr.trimEnd().split("\n").at(-1) ?? ""), name).toMatchObject({
      error: { code: "invalid" }
    })
  }
  expect((await box.d("import", "/dev/zero")).stderr).toContain("is larger than 16 MiB")
  expect(JSON.parse(await box.ok("export")).assignments).toEqual([])
})

it("reads a file with a byte order mark and Windows line ends", async () => {
  const box = inProcess(RANGES)
  expect(await box.ok("import", write(box, "a.csv", '\ufeff"key","port"\r\n"a-dev","30951"\r\n'))).toBe("a-dev 30951\n")
})

it("reads standard input, also one that comes in pieces", async () => {
  const box = machine(RANGES)
  const child = spawn(process.execPath, [PROGRAM, "import", "-", "--from", "csv"], { env: box.env, cwd: box.home })
  const run = collect(child)
  child.stdin.write("key,port\na-dev,309")
  child.stdin.end("51\nb-dev,30953\n")
  expect(await run).toMatchObject({ code: 0, stdout: "a-dev 30951\nb-dev 30953\n" })
  const piped = await box.sh(
    "d export --format csv | sed s/3095/3096/ > b.csv; d import b.csv --json; d export --format env"
  )
  expect(piped.stdout).toContain('"reason":"moved"')
  expect(piped.stdout).toContain("A_DEV_PORT=30951\nB_DEV_PORT=30953\n")
})

it.each([
  [["import"], "Missing required arg: FILE"],
  [["import", "--scan", "a.csv"], "--scan does not go with a file"],
  [["import", "--scan", "--from", "csv"], "--from does not go with --scan"],
  [["import", "--scan", "--on-conflict", "skip"], "--on-conflict does not go with --scan"],
  [["import", "--scan", "--range", "9-1"], 'range "9-1" is not a range of ports'],
  [["import", "a.csv", "--yes"], "--yes does not go with a file"],
  [["import", "a.csv", "--range", "1-9"], "--range does not go with a file"],
  [["import", "a.csv", "--on-conflict", "ask"], 'on-conflict "ask" is not fail, skip, force'],
  [["import", "a.csv", "b.csv"], 'unexpected argument "b.csv"'],
  [["import", "-x"], '"-x" is not a file name'],
  [["export", "--format", "xml"], 'format "xml" is not a format'],
  [["export", "--format", "csv", "--json"], "--json does not go with --format csv"],
  [["export", "a.json"], 'unexpected argument "a.json"']
] as const)("refuses d %j", async (words, message) => {
  const box = inProcess(RANGES)
  write(box, "a.csv", "a-dev,30951\n")
  const run = await box.d(...words)
  expect(run).toMatchObject({ code: 2, stdout: "" })
  expect(run.stderr).toContain(message)
})

it("reads another format than it recognizes only if it is named", async () => {
  const box = inProcess(RANGES)
  const path = write(box, "ports.txt", "web: PORT=30951 serve\n")
  expect(await box.ok("import", path, "--dry-run")).toMatch(/^\S+-web 30951\n$/)
  const run = await box.d("import", path, "--from", "csv")
  expect(run.stderr).toBe(
    'error: "ports.txt" has no table with a column "Key" and a column "Port"\nhint: d import --help\n'
  )
  expect((await box.d("import", path, "--from", "xml")).stderr).toContain('from "xml" is not a format')
})

it("exports and imports on a registry that nobody has used, and leaves no file", async () => {
  const box = inProcess(RANGES)
  expect(JSON.parse(await box.ok("export"))).toEqual({
    format: "automatelinux-ports",
    version: 1,
    assignments: [],
    owners: [],
    reservations: [],
    ignored: []
  })
  const path = write(box, "a.csv", "a-dev,30951\n")
  expect(await box.ok("import", path, "--dry-run")).toBe("a-dev 30951\n")
  expect(() => readFileSync(join(box.home, ".local/state/automatelinux/ports.sqlite"))).toThrow()
})
