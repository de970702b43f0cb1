import { execFileSync, spawn } from "node:child_process"
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { collect, type Machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { afterMending, findingOf, findingsOf, until } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { type MariaDb, sharedServer } from "../support/mariadb.ts"

const SECRET = "pass word:@/%?#ü"
const RANGES = { AUTOMATELINUX_APP_RANGE: "18900-18949", AUTOMATELINUX_SPECIAL_RANGE: "18950-18999" }

let server: MariaDb
let databases = 0

beforeAll(async () => {
  server = await sharedServer()
})

/** A user of the server with a database and a password, and no word of it in the URL. */
const account = async (secret = SECRET): Promise<{ readonly user: string; readonly url: string }> => {
  const user = `keeper${databases++}`
  await server.query(
    `CREATE DATABASE ${user}; CREATE USER '${user}'@'%' IDENTIFIED BY '${secret}'; GRANT ALL ON ${user}.* TO '${user}'@'%'`
  )
  return { user, url: `mysql://${user}@127.0.0.1:${server.port}/${user}` }
}

/** A file of this machine's user alone. */
const write = (box: Machine, name: string, content: string | Buffer, mode = 0o600): string => {
  const path = join(box.home, name)
  writeFileSync(path, content, { mode })
  chmodSync(path, mode)
  return path
}

const settings = (box: Machine, content: Readonly<Record<string, string>>, mode = 0o600): string => {
  mkdirSync(join(box.home, ".config/automatelinux"), { recursive: true })
  return write(box, ".config/automatelinux/ports.json", JSON.stringify(content), mode)
}

describe("the password file", () => {
  it.each([
    ["as an editor writes it", `${SECRET}\n`],
    ["without a line break", SECRET],
    ["with CRLF and more lines", `${SECRET}\r\n# rotated in May\r\n`],
    ["with a byte order mark", `\uFEFF${SECRET}\n`]
  ])("holds the password in its first line, %s", async (_, content) => {
    const { url } = await account()
    const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url })
    const named = box.with({ AUTOMATELINUX_PASSWORD_FILE: write(box, "pw", content) })
    expect(await named.ok("allocate", "cad")).toBe("cad-prod 18900\ncad-dev 18901\n")
    expect(await box.d("getPort", "--key", "cad-dev")).toMatchObject({ code: 3, stdout: "" })
  })

  it("is named in the configuration file, too, and a daemon follows a change of the password", async () => {
    const { url, user } = await account()
    const box = inProcess({ ...RANGES, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
    settings(box, { databaseUrl: url, passwordFile: write(box, "pw", `${SECRET}\n`) })
    await startDaemon(box)
    await box.ok("allocate", "cad")
    // A command without it means the same registry.
    const other = box.with({ AUTOMATELINUX_DATABASE_URL: url.replace("@", ":whatever@") })
    expect(await other.d("getPort", "--key", "cad-dev")).toEqual({ code: 0, stdout: "18901\n", stderr: "" })

    await server.query(`ALTER USER '${user}'@'%' IDENTIFIED BY 'next'; KILL USER '${user}'`)
    const refused = await box.d("getPort", "--key", "cad-dev")
    expect(refused).toMatchObject({ code: 3, stdout: "" })
    expect(refused.stderr).toMatch(
      /it refuses this user or password\nhint: correct the first line of \S+\/pw, or the user in AUTOMATELINUX_DATABASE_URL; if the account requires TLS, add .tls=true to it\n$/
    )
    expect(await findingOf(box, "store-reachable")).toMatchObject({
      fix: expect.stringMatching(/ sh \S+\/pw$/),
      advice: "its first line is the password"
    })
    write(box, "pw", "next\n")
    expect(await box.ok("getPort", "--key", "cad-dev")).toBe("18901\n")
  })

  it.each<readonly [string, (box: Machine) => string, RegExp, string]>([
    [
      "that is missing",
      (box) => join(box.home, "pw"),
      /does not exist/,
      "correct AUTOMATELINUX_PASSWORD_FILE, or make the file"
    ],
    ["that is a directory", (box) => box.home, /is not a file/, "check: ls -lL THERE"],
    [
      "that is a pipe, which nobody writes to",
      (box) => {
        execFileSync("mkfifo", [join(box.home, "pw")])
        return join(box.home, "pw")
      },
      /is not a file/,
      "check: ls -lL THERE"
    ],
    ["that is empty", (box) => write(box, "pw", ""), /has no password in its first line/, "write it there: THERE"],
    [
      "that begins with a line break",
      (box) => write(box, "pw", `\n${SECRET}`),
      /has no password in its first line/,
      "write it there: THERE"
    ],
    [
      "in Latin-1",
      (box) => write(box, "pw", Buffer.from("paß", "latin1")),
      /has bytes that are not UTF-8/,
      "check: ls -lL THERE"
    ],
    [
      "that is something else",
      (box) => write(box, "pw", "x".repeat(70_000)),
      /has 70000 bytes, too many for a password/,
      "check: ls -lL THERE"
    ]
  ])("%s is named in one sentence", async (_, make, problem, hint) => {
    const { url } = await account()
    const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url })
    const path = make(box)
    const named = box.with({ AUTOMATELINUX_PASSWORD_FILE: path })
    for (const words of [
      ["getPort", "--key", "a"],
      ["allocate", "a"]
    ]) {
      const run = await named.d(...words)
      expect(run).toMatchObject({ code: 3, stdout: "" })
      const [error, advice] = run.stderr.split("\n")
      expect(error).toMatch(
        /^error: cannot use database keeper\d+ at 127\.0\.0\.1:\d+ as keeper\d+: its password file /
      )
      expect(error).toContain(path)
      expect(error).toMatch(problem)
      expect(advice).toBe(`hint: ${hint.replace("THERE", path)}`)
    }
    expect(await findingOf(named, "store-reachable")).toMatchObject({ evidence: expect.stringMatching(problem) })
  })

  it("is refused beside a password in the URL, if both are set in one place", async () => {
    const { url } = await account()
    const withPassword = url.replace("@", ":wrong@")
    const box = inProcess(RANGES)
    const passwordFile = write(box, "pw", SECRET)
    const file = settings(box, { databaseUrl: withPassword, passwordFile })
    expect(await box.d("listPorts")).toEqual({
      code: 2,
      stdout: "",
      stderr: `error: passwordFile in ${file} is set, and the URL in databaseUrl in ${file} has a password, too\nhint: remove one of them\n`
    })
    // A variable counts more than the file.
    settings(box, { databaseUrl: withPassword })
    expect(await box.with({ AUTOMATELINUX_PASSWORD_FILE: passwordFile }).d("listPorts")).toMatchObject({ code: 0 })
    // Another server is not given the password that the file has for its own.
    settings(box, { databaseUrl: url, passwordFile })
    expect(await box.d("listPorts")).toMatchObject({ code: 0 })
    expect(await box.with({ AUTOMATELINUX_DATABASE_URL: url }).d("listPorts")).toMatchObject({ code: 3 })
    expect(await box.with({ AUTOMATELINUX_DATABASE_URL: `sqlite:${box.home}/x.sqlite` }).d("listPorts")).toMatchObject({
      code: 0
    })
  })

  it.each(["pw", "~/pw", "/run/pw\r"])("%j is no path of one", async (path) => {
    const run = await inProcess({ ...RANGES, AUTOMATELINUX_PASSWORD_FILE: path }).d("listPorts")
    expect(run).toMatchObject({ code: 2, stdout: "" })
    expect(run.stderr).toMatch(
      /^error: AUTOMATELINUX_PASSWORD_FILE ".*" (is not an absolute path|has a control character)/
    )
  })
})

describe("a password that others may read", () => {
  const modes = [
    ["0644", "everyone"],
    ["0604", "everyone"],
    ["0640", "the file's group"]
  ] as const
  // Only root may give a file to a group that it is not in.
  it.each(modes.filter(([, readers]) => readers === "everyone" || process.getuid?.() === 0))(
    "in the configuration file of mode %s is found, and its fix works",
    async (mode, readers) => {
      const { url } = await account("plain")
      const box = inProcess(RANGES)
      const file = settings(box, { databaseUrl: url.replace("@", ":plain@") }, Number.parseInt(mode, 8))
      expect(await findingsOf(box.with({ AUTOMATELINUX_DATABASE_URL: url }), "secret-readable")).toEqual([])
      // A group that has the number of its owner is the owner's own.
      if (readers !== "everyone") {
        expect(await findingsOf(box, "secret-readable")).toEqual([])
        chownSync(file, 0, 54_321)
      }
      const finding = await findingOf(box, "secret-readable")
      expect(finding).toMatchObject({
        severity: "warning",
        message: `${file} has the password of the database, and ${readers} may read it`,
        evidence: `its mode is ${mode}`,
        fix: `chmod 600 ${file}`
      })
      expect(await afterMending(box, finding)).toEqual([])
    }
  )

  it("in the password file is found", async () => {
    const { url } = await account()
    const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url })
    const passwordFile = write(box, "pw", SECRET, 0o444)
    const named = box.with({ AUTOMATELINUX_PASSWORD_FILE: passwordFile })
    expect(await findingOf(named, "secret-readable")).toMatchObject({
      fix: `chmod 600 ${passwordFile}`,
      advice: null
    })
    const daemon = await startDaemon(named)
    await until(
      async () => daemon.log(),
      (log) => log.includes(`everyone may read the password of the database in ${passwordFile}`)
    )
    expect(daemon.log()).not.toContain(SECRET)
  })

  it("is no finding if there is none, or if it is in a variable", async () => {
    const { url } = await account()
    const box = inProcess({
      ...RANGES,
      AUTOMATELINUX_DATABASE_URL: url.replace("@", `:${encodeURIComponent(SECRET)}@`)
    })
    const passwordFile = write(box, "pw", SECRET)
    settings(box, { databaseUrl: url, passwordFile }, 0o644)
    expect(await findingsOf(box, "secret-readable")).toEqual([])
    const { AUTOMATELINUX_DATABASE_URL: _, ...others } = box.env
    expect(await findingsOf(inProcess({ ...others, HOME: box.home }), "secret-readable")).toEqual([])
    expect(await findingsOf(inProcess(RANGES), "secret-readable")).toEqual([])
  })

  it("is told on a terminal, and not to a script", async () => {
    const { url } = await account("plain")
    const box = inProcess(RANGES)
    const file = settings(box, { databaseUrl: url.replace("@", ":plain@") }, 0o644)
    expect(await box.d("listPorts")).toMatchObject({ code: 0, stderr: "" })
    const onTerminal = (line: string) =>
      collect(
        spawn("script", ["-qec", `${process.execPath} ${PROGRAM} ${line}`, "/dev/null"], {
          env: { ...box.env, SHELL: "/bin/sh" },
          stdio: ["ignore", "pipe", "pipe"]
        })
      )
    expect((await onTerminal("listPorts")).stdout.replaceAll(/\s+/g, " ")).toContain(
      `warning: everyone may read the password of the database in ${file}: chmod 600 ${file} `
    )
    expect((await onTerminal("listPorts 2>/dev/null")).stdout).not.toContain("warning")
    expect((await onTerminal("doctor --check secret-readable")).stdout.match(/chmod 600/g)).toHaveLength(1)
  })
})
