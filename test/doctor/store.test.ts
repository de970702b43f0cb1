import { chmodSync, chownSync, readFileSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { CHECK_NAMES } from "../../src/domain/Finding.ts"
import { machine, startDaemon } from "../support/cli.ts"
import { afterMending, examine, findingOf, findingsOf, fixOf, rangesFrom } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { MariaDb, sharedServer } from "../support/mariadb.ts"
import { asNobody, isRoot, NOBODY } from "../support/otherUser.ts"
import { silentServer } from "../support/proxy.ts"
import { temporary } from "../support/root.ts"
import { openSqlite } from "../support/sqlite.ts"

const RANGES = rangesFrom(19_600)

const CHECKS = CHECK_NAMES.length

/** A way to the server at `target` on which what it says comes late, by `milliseconds`. */
const delayed = async (target: string, milliseconds: number): Promise<string> => {
  const proxy = createServer((socket) => {
    const far = connect(target)
    socket.pipe(far)
    far.on("data", (chunk) => setTimeout(() => socket.writable && socket.write(chunk), milliseconds))
    for (const each of [socket, far]) each.on("error", () => {})
    socket.on("close", () => far.destroy())
  })
  const path = join(temporary(), "late")
  await new Promise<void>((done) => proxy.listen(path, () => done()))
  onTestFinished(() => void proxy.close())
  return path
}

/** A server of the test's own, and a machine on a database of it. */
const own = async (...options: ReadonlyArray<string>) => {
  const server = await MariaDb.start(...options)
  onTestFinished(() => server.kill())
  const url = await server.database()
  const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url, AUTOMATELINUX_DATABASE_TIMEOUT: "1 second" })
  return { server, box, url }
}

describe("store-reachable", () => {
  it("tells of a server that is down, and looks at what it can", async () => {
    const { box, server } = await own()
    await box.ok("allocate", "--app", "cad")
    await server.kill()
    const all = await examine(box)
    expect(all).toMatchObject({ code: 1, healthy: false, looked: { assignments: null } })
    expect(all.findings.map(({ check, severity }) => `${severity} ${check}`)).toEqual([
      "error store-reachable",
      "info daemon-running"
    ])
    expect(all.ran).toEqual([
      "store-reachable",
      "secret-readable",
      "daemon-running",
      "daemon-probing",
      "service-broken",
      "host-shared",
      "range-ephemeral"
    ])
    expect(all.ran.length + all.failed.length).toBe(CHECKS)
    const [finding] = all.findings
    expect(finding?.message).toBe(`database ports at ${server.socket} as ports cannot be used`)
    expect(finding?.evidence).toMatch(/^(the socket does not exist|nothing listens there)$/)
    const text = await box.d("doctor")
    expect(text.code).toBe(1)
    expect(text.stdout).toMatch(/^not checked: store-schema, store-durable, port-shared, /m)
    // Whoever starts servers on this machine is told to.
    const bin = temporary()
    writeFileSync(join(bin, "systemctl"), `#!/bin/sh\necho "$@" > ${bin}/told\n`, { mode: 0o755 })
    const told = box.with({ PATH: `${bin}:${box.env["PATH"]}` })
    expect(finding && (await afterMending(told, finding))).toHaveLength(1)
    expect(readFileSync(join(bin, "told"), "utf8")).toBe("start mariadb\n")
    await server.restart()
    expect(await findingsOf(box, "store-reachable")).toEqual([])
    expect((await examine(box)).ran).toHaveLength(CHECKS)
  })

  it("tells of a wrong password, and shows none", async () => {
    const { box, url } = await own()
    const wrong = box.with({ AUTOMATELINUX_DATABASE_URL: url.replace("secret", "geheim") })
    const finding = await findingOf(wrong, "store-reachable")
    expect(finding).toMatchObject({ severity: "error", evidence: "it refuses this user or password" })
    expect(JSON.stringify(await examine(wrong))).not.toContain("geheim")
    expect(finding.fix).toContain(url.replace("secret", "PASSWORD"))
    expect(await afterMending(wrong, { ...finding, fix: fixOf(finding).replace("PASSWORD", "secret") })).toEqual([])
  })

  it("tells of a database that is not there", async () => {
    const { box, url } = await own()
    const wrong = box.with({
      AUTOMATELINUX_DATABASE_URL: url.replace("/ports?", "/other?").replace("ports:secret", "root:")
    })
    const finding = await findingOf(wrong, "store-reachable")
    expect(finding.evidence).toBe("there is no such database")
    expect(await afterMending(wrong, finding)).toEqual([])
  })

  it("tells of a server that is read-only", async () => {
    const { box, server } = await own()
    await box.ok("allocate", "--app", "cad")
    await server.query("SET GLOBAL read_only = 1")
    const all = await examine(box)
    expect(all.code).toBe(1)
    expect(all.failed).toEqual([])
    const finding = await findingOf(box, "store-reachable")
    expect(finding).toMatchObject({
      severity: "error",
      message: `database ports at ${server.socket} as ports cannot be written`,
      evidence: "it is read-only"
    })
    expect(finding.fix).toMatch(/^export AUTOMATELINUX_DATABASE_URL=/)
    const here = (finding.advice ?? "").replace(/^of the server that accepts writes; if it should be this one: /, "")
    expect(await afterMending(box, { ...finding, fix: here })).toEqual([])
    await box.ok("allocate", "--app", "pt")
  })

  it("tells of rights that are not there", async () => {
    const { box, server } = await own()
    await box.ok("allocate", "--app", "cad")
    await server.query("REVOKE ALL ON ports.* FROM 'ports'@'%'; GRANT SELECT, UPDATE, DELETE ON ports.* TO 'ports'@'%'")
    const finding = await findingOf(box, "store-reachable")
    expect(finding.evidence).toMatch(/^it does not allow that: INSERT command denied/)
    expect(await afterMending(box, finding)).toEqual([])
  })

  it("tells of a file that cannot be written", async () => {
    const home = temporary()
    const env = { ...RANGES, AUTOMATELINUX_DATABASE_URL: `sqlite:${home}/ports.sqlite` }
    const box = machine(env)
    await box.ok("allocate", "--app", "cad")
    const file = join(home, "ports.sqlite")
    for (const path of [file, home]) if (isRoot) chownSync(path, NOBODY, NOBODY)
    chmodSync(file, 0o400)
    const examined = async () =>
      JSON.parse((await asNobody(env, "doctor", "--json", "--check", "store-reachable")).stdout).findings
    const [finding] = await examined()
    expect(finding).toMatchObject({ severity: "error", message: `the registry's file ${file} cannot be written` })
    expect(finding.fix).toMatch(/^chmod u\+rw \S+ports\.sqlite( |$)/)
    await box.sh(finding.fix)
    expect(await examined()).toEqual([])
  })
})

it("tells a server that takes connections and says nothing from a daemon that does", async () => {
  const path = await silentServer()
  const box = inProcess({
    ...RANGES,
    AUTOMATELINUX_DATABASE_URL: `mysql://ports:secret@localhost/ports?socket=${path}`
  })
  await startDaemon(box)
  const { failed, findings } = await examine(box)
  expect(findings).toMatchObject([{ check: "store-reachable", evidence: "it does not answer" }])
  expect(findings[0]?.fix).toMatch(/systemctl restart mariadb/)
  expect(failed).toContain("port-shared")
})

it("is not held up by a database that answers late", async () => {
  const server = await sharedServer()
  await server.database("late")
  const path = await delayed(server.socket, 1100)
  const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: `mysql://ports:secret@localhost/late?socket=${path}` })
  const { code, failed, findings, ran } = await examine(box)
  expect(code).toBe(1)
  expect(ran).toContain("daemon-running")
  expect(failed).toContain("port-shared")
  expect(findings.filter(({ check }) => check === "port-shared")).toMatchObject([
    { severity: "warning", evidence: "port-shared did not finish within 10 s" }
  ])
})

describe("store-schema", () => {
  it("says nothing of a database that nobody has used yet", async () => {
    const { box } = await own()
    expect((await examine(box)).findings.map(({ check }) => check)).toEqual(["daemon-running"])
    expect((await examine(inProcess(RANGES))).findings.map(({ check }) => check)).toEqual(["daemon-running"])
  })

  it("tells of a table that is gone, and makes it", async () => {
    const { box, server } = await own()
    await box.ok("allocate", "--app", "cad")
    await server.query("DROP TABLE ports.port_claims")
    const finding = await findingOf(box, "store-schema")
    expect(finding).toMatchObject({
      severity: "error",
      message: `port_claims is missing from database ports at ${server.socket} as ports`,
      fix: "d doctor --fix"
    })
    // Looking does not mend.
    expect((await examine(box)).failed).toContain("port-shared")
    expect((await examine(box, "--fix")).mended).toEqual([
      "created the table port_claims",
      "claimed 19601 for cad-dev",
      "claimed 19600 for cad-prod"
    ])
    expect(await findingsOf(box, "store-schema")).toEqual([])
    expect((await examine(box)).failed).toEqual([])
  })

  it("tells of a table that is gone from a file, and makes it", async () => {
    const box = inProcess(RANGES)
    await box.ok("allocate", "--app", "cad")
    const db = openSqlite(join(box.home, ".local/state/automatelinux/ports.sqlite"))
    db.exec("DROP TABLE port_keys")
    db.close()
    const finding = await findingOf(box, "store-schema")
    expect(finding.message).toMatch(/^port_keys is missing from the registry's file \//)
    expect(await afterMending(box, finding)).toEqual([])
  })

  it("tells of another program's settings", async () => {
    const { box, server } = await own()
    await server.query("CREATE TABLE ports.settings (id INT, name TEXT)")
    const finding = await findingOf(box, "store-schema")
    expect(finding).toMatchObject({ severity: "error", evidence: "it has no column setting_key" })
    expect(finding.message).toBe(
      `the table settings in database ports at ${server.socket} as ports belongs to another program`
    )
    expect(await afterMending(box, finding)).toEqual([])
  })

  it("tells of a table of ours that another program has made", async () => {
    const { box, server, url } = await own()
    await box.ok("allocate", "--app", "cad")
    await server.query("DROP TABLE ports.port_keys; CREATE TABLE ports.port_keys (`key` INT)")
    const finding = await findingOf(box, "store-schema")
    expect(finding).toMatchObject({ severity: "error", evidence: "it has no column description" })
    // It stays as it is, and nothing is made beside it.
    expect((await examine(box, "--fix")).mended).toEqual([])
    await box.sh(fixOf(finding))
    await server.query("GRANT ALL ON ports_registry.* TO 'ports'@'%'")
    const elsewhere = box.with({ AUTOMATELINUX_DATABASE_URL: url.replace("/ports?", "/ports_registry?") })
    expect(await findingsOf(elsewhere, "store-schema")).toEqual([])
  })
})

describe("store-durable", () => {
  it("tells of a server that forgets what it confirmed", async () => {
    const { box, server } = await own("--innodb-flush-log-at-trx-commit=0")
    const finding = await findingOf(box, "store-durable")
    expect(finding).toMatchObject({ severity: "warning", evidence: "innodb_flush_log_at_trx_commit is 0" })
    expect(finding.message).toBe(
      `database ports at ${server.socket} as ports may lose the last acknowledged changes when the server crashes`
    )
    await server.query("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
    expect(await findingOf(box, "store-durable")).toMatchObject({
      severity: "info",
      evidence: "innodb_flush_log_at_trx_commit is 2"
    })
    expect(await afterMending(box, finding)).toEqual([])
  })

  it("tells of a binary log that is not on the disk when it is confirmed", async () => {
    const { box } = await own("--log-bin=binlog", "--sync-binlog=0")
    const finding = await findingOf(box, "store-durable")
    expect(finding).toMatchObject({ severity: "info", evidence: "sync_binlog is 0" })
    expect(await afterMending(box, finding)).toEqual([])
  })

  it("tells of slow answers", async () => {
    const server = await sharedServer()
    await server.database("slow")
    const path = await delayed(server.socket, 250)
    const box = inProcess({
      ...RANGES,
      AUTOMATELINUX_DATABASE_URL: `mysql://ports:secret@localhost/slow?socket=${path}`
    })
    const finding = await findingOf(box, "store-durable")
    expect(finding).toMatchObject({ severity: "warning" })
    expect(finding.message).toMatch(/ answers slowly$/)
    expect(finding.evidence).toMatch(/^an empty query took (\d{3}(, )?){3} ms$/)
    expect((await box.sh(fixOf(finding))).stdout).toContain("SHOW FULL PROCESSLIST")
    const direct = box.with({
      AUTOMATELINUX_DATABASE_URL: `mysql://ports:secret@localhost/slow?socket=${server.socket}`
    })
    expect(await findingsOf(direct, "store-durable")).toEqual([])
  })
})

it("a check that cannot be made is itself a finding, and stops no other", async () => {
  const { box, server } = await own()
  await box.ok("allocate", "--app", "cad")
  await server.kill()
  const only = await examine(box, "--check", "port-shared")
  expect(only).toMatchObject({ code: 1, ran: [], failed: ["port-shared"] })
  expect(only.findings).toMatchObject([
    { check: "port-shared", severity: "warning", message: "port-shared could not be checked" }
  ])
  expect(only.findings[0]?.evidence).toContain("cannot use database ports")
})
