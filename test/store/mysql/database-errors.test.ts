import { type AddressInfo, connect, createServer } from "node:net"
import { resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import mysql from "mysql2/promise"
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest"
import { PortKey } from "../../../src/domain/PortKey.ts"
import { Registry } from "../../../src/registry/Registry.ts"
import { type Machine, type Run, startDaemon } from "../../support/cli.ts"
import { isMySql } from "../../support/flavour.ts"
import { inProcess } from "../../support/inProcess.ts"
import { MariaDb, sharedServer } from "../../support/mariadb.ts"
import { brokenAt, commitProxy, type Fate } from "../../support/proxy.ts"
import { registryLayer } from "../../support/registry.ts"
import { temporary } from "../../support/root.ts"

const LIMIT_S = 3
const RANGES = { AUTOMATELINUX_APP_RANGE: "26000-26099", AUTOMATELINUX_SPECIAL_RANGE: "26100-26199" }

const at = (url: string, seconds = LIMIT_S): Machine =>
  inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url, AUTOMATELINUX_DATABASE_TIMEOUT: `${seconds} seconds` })

/** Exit code 3 within the configured time, one sentence with host and database, and never the password. */
const expectTrouble = async (run: () => Promise<Run>, reason: RegExp, where = /database ports\w* at \S+ as ports/) => {
  const started = Date.now()
  const { code, stderr, stdout } = await run()
  expect([code, stdout]).toEqual([3, ""])
  expect(stderr).toMatch(reason)
  expect(stderr).toMatch(where)
  expect(stderr).toMatch(/^error: .*\nhint: .*\n$/)
  expect(stderr).not.toContain("secret")
  // The silence of a stopped server is noticed a second later; the rest is for a machine that is busy.
  expect(Date.now() - started).toBeLessThan((LIMIT_S + 1 + 6) * 1000)
}

describe("a server that cannot be used", () => {
  let server: MariaDb

  beforeAll(async () => {
    server = await sharedServer()
    await server.database()
    await at(server.overTcp()).ok("allocate", "--app", "kept")
  })

  it("is not there", async () => {
    await expectTrouble(
      () => at("mysql://ports:secret@127.0.0.1:1/ports").d("listPorts"),
      /at 127.0.0.1:1 as ports: nothing listens there/
    )
    await expectTrouble(
      () => at("mysql://ports:secret@localhost/ports?socket=/none/s").d("getPort", "--key", "a"),
      /at \/none\/s as ports: the socket does not exist/
    )
    await expectTrouble(
      () => at("mysql://ports:secret@no.host.invalid/ports").d("listPorts"),
      /unknown host|cannot be looked up/
    )
  })

  it("refuses the password, or the user", async () => {
    await expectTrouble(
      () => at(server.overTcp().replace("secret", "secretly")).d("listPorts"),
      /it refuses this user or password/
    )
    await expectTrouble(
      () => at(server.overTcp().replace("ports:", "stranger:")).d("listPorts"),
      /it refuses this user or password/,
      /as stranger/
    )
  })

  it("has no such database, or none for this user", async () => {
    await server.query("GRANT ALL ON portsnone.* TO 'ports'@'%'")
    await expectTrouble(() => at(server.overTcp("portsnone")).d("listPorts"), /there is no such database/)
    await expectTrouble(
      () => at(server.overTcp("mysql")).d("listPorts"),
      /it does not allow that: Access denied/,
      /database mysql at/
    )
  })

  it("gives no rights on a table", async () => {
    await server.query("CREATE USER 'reader'@'%' IDENTIFIED BY 'secret'; GRANT SELECT ON ports.* TO 'reader'@'%'")
    const url = server.overTcp().replace("ports:", "reader:")
    expect(await at(url).ok("getPort", "--key", "kept-dev")).toBe("26001\n")
    await expectTrouble(
      () => at(url).d("allocate", "--app", "a"),
      /it does not allow that: .*denied to user 'reader'/,
      /as reader/
    )
    await server.database("portsempty")
    await server.query("GRANT SELECT, INSERT, UPDATE, DELETE ON portsempty.* TO 'reader'@'%'")
    await expectTrouble(
      () => at(server.overTcp("portsempty").replace("ports:", "reader:")).d("allocate", "--app", "a"),
      /it does not allow that: CREATE command denied/,
      /as reader/
    )
  })

  it("is read-only: it answers, and refuses to change", async () => {
    await server.query("SET GLOBAL read_only = 1")
    onTestFinished(async () => void (await server.query("SET GLOBAL read_only = 0")))
    expect(await at(server.overTcp()).ok("getPort", "--key", "kept-dev")).toBe("26001\n")
    await expectTrouble(() => at(server.overTcp()).d("allocate", "--app", "a"), /it is read-only/)
  })

  it("has too many connections", async () => {
    await server.query("SET GLOBAL max_connections = 10")
    const held: Array<mysql.Connection> = []
    onTestFinished(async () => {
      for (const connection of held) connection.destroy()
      await sleep(200)
      await server.query("SET GLOBAL max_connections = 151")
    })
    const options = { host: "127.0.0.1", port: server.port, user: "ports", password: "secret" }
    // One that was closed a moment ago may still count.
    while (held.length < 10) {
      await mysql.createConnection(options).then(
        (connection) => held.push(connection),
        () => sleep(20)
      )
    }
    await expectTrouble(() => at(server.overTcp()).d("listPorts"), /it has too many connections/)
    // One that becomes free in time is waited for.
    setTimeout(() => held.pop()?.destroy(), 500)
    expect(await at(server.overTcp()).ok("getPort", "--key", "kept-dev")).toBe("26001\n")
  })

  it("lets its user ask no more, and is not filled with connections meanwhile", async () => {
    await server.query(
      "CREATE USER 'limited'@'%' IDENTIFIED BY 'secret' WITH MAX_QUERIES_PER_HOUR 1; GRANT ALL ON ports.* TO 'limited'@'%'"
    )
    await server.query("FLUSH STATUS")
    const url = server.overTcp().replace("ports:", "limited:")
    for (const words of [["listPorts"], ["allocate", "--app", "a"]])
      await expectTrouble(() => at(url).d(...words), /it says: .* 'max_(queries_per_hour|questions)'/, /as limited/)
    const [used] = await server.query("SHOW GLOBAL STATUS LIKE 'Max_used_connections'")
    expect(Number(used?.["Value"])).toBeLessThan(10)
  })

  it("holds the queue for longer than a command waits, while others make progress: waited for", async () => {
    const [holder, other] = await Promise.all(
      [1, 2].map(() => mysql.createConnection({ socketPath: server.socket, user: "root", database: "ports" }))
    )
    onTestFinished(() => [holder, other].forEach((each) => void each?.destroy()))
    await holder?.query("START TRANSACTION")
    await holder?.query("SELECT * FROM port_registry FOR UPDATE")
    const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: server.overTcp() })
    const began = performance.now()
    const waiting = box.d("allocate", "--app", "queued")
    for (let round = 0; round < 15; round++) {
      await sleep(500)
      await other?.query(
        "INSERT INTO port_history (batch, at, what, host, user, program) VALUES (UUID(), '', 'set', 'h', 'u', 'p')"
      )
    }
    await holder?.query("ROLLBACK")
    expect(await waiting).toMatchObject({ code: 0, stderr: "" })
    expect(performance.now() - began).toBeGreaterThan(7000)
    await box.ok("release", "--app", "queued")
  })

  it("holds the queue for too long", async () => {
    const other = await mysql.createConnection({ socketPath: server.socket, user: "root", database: "ports" })
    onTestFinished(() => other.destroy())
    await other.query("START TRANSACTION")
    await other.query("SELECT * FROM port_registry FOR UPDATE")
    await expectTrouble(
      () => at(server.overTcp()).d("allocate", "--app", "a"),
      /its tables are locked by another program/
    )
    // Who only reads does not stand in the queue.
    expect(await at(server.overTcp()).ok("getPort", "--key", "kept-dev")).toBe("26001\n")
  })

  it("has a settings table of another program", async () => {
    await server.database("portsforeign")
    await server.query("CREATE TABLE settings (name TEXT)", [], "portsforeign")
    await expectTrouble(
      () => at(server.overTcp("portsforeign")).d("allocate", "--app", "a"),
      /one of its tables has no column setting_key/
    )
  })
})

describe("a server that fails", () => {
  let server: MariaDb

  const started = async () => {
    server = await MariaDb.start()
    await server.database()
    await at(server.overTcp()).ok("allocate", "--app", "kept")
    return server
  }

  /** Runs `d allocate` until it waits in the queue, inside its transaction. */
  const waitingInQueue = async (box: Machine) => {
    const other = await mysql.createConnection({ socketPath: server.socket, user: "root", database: "ports" })
    other.on("error", () => {})
    await other.query("START TRANSACTION")
    await other.query("SELECT * FROM port_registry FOR UPDATE")
    const run = box.d("allocate", "--app", "late")
    for (;;) {
      const waiting = await server.query(
        "SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'ports' AND INFO LIKE '%FOR UPDATE%'"
      )
      if (waiting.length > 0) return { run, letGo: () => other.destroy() }
      await sleep(20)
    }
  }

  afterEach(() => server.kill())

  it("is stopped: nothing hangs", async () => {
    await started()
    server.signal("SIGSTOP")
    await expectTrouble(() => at(server.overTcp()).d("getPort", "--key", "kept-dev"), /it does not answer/)
    await expectTrouble(
      () => at(`mysql://ports:secret@localhost/ports?socket=${server.socket}`).d("allocate", "--app", "a"),
      /it does not answer/
    )
  })

  it("is stopped while a transaction waits", async () => {
    await started()
    const { run } = await waitingInQueue(at(server.overTcp()))
    server.signal("SIGSTOP")
    await expectTrouble(() => run, /it does not answer|connection broke/)
  })

  it("is killed while a transaction waits", async () => {
    await started()
    const { run } = await waitingInQueue(at(server.overTcp()))
    server.signal("SIGKILL")
    await expectTrouble(() => run, /nothing listens there|connection broke/)
  })

  it("is killed and back within the limit", async () => {
    await started()
    const { run } = await waitingInQueue(at(server.overTcp(), 60))
    await server.kill()
    await sleep(1000)
    await server.restart()
    expect(await run).toEqual({ code: 0, stdout: "late-prod 26002\nlate-dev 26003\n", stderr: "" })
  })

  it("is one of several, and the next is used", async () => {
    await started()
    const url = server.overTcp().replace("127.0.0.1", "127.0.0.1:1,127.0.0.1")
    expect(await at(url).ok("getPort", "--key", "kept-dev")).toBe("26001\n")
  })
})

it("is kept, of several, when nothing was asked of it for a while", async () => {
  const server = await sharedServer()
  await server.database("portskept")
  let strangers = 0
  const other = createServer((socket) => {
    strangers++
    socket.destroy()
  })
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done))
  onTestFinished(() => void other.close())
  const { port } = other.address() as { port: number }
  const both = server.overTcp("portskept").replace(`:${server.port}`, `:${server.port},127.0.0.1:${port}`)
  const env = { HOME: temporary(), ...RANGES, AUTOMATELINUX_DATABASE_URL: `${both}?lockTimeout=1&statementTimeout=1` }
  const runtime = ManagedRuntime.make(registryLayer(env))
  onTestFinished(() => runtime.dispose())
  const key = PortKey.make("a")
  const ask = Effect.flatMap(Registry, (registry) => Effect.either(registry.get(key)))
  const askMany = () => runtime.runPromise(Effect.all([ask, ask, ask], { concurrency: "unbounded" }))
  const connections = async () =>
    (await server.query("SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = 'portskept'")).length
  await askMany()
  expect(await connections()).toBeGreaterThan(0)
  // What nobody uses is given back.
  await vi.waitUntil(async () => (await connections()) === 0, 10_000)
  await askMany()
  expect(await connections()).toBeGreaterThan(0)
  expect(strangers).toBe(0)
})

describe("a secure connection", () => {
  const file = (name: string) => resolve("test/support/tls", name)

  const started = async () => {
    const server = await MariaDb.start(
      `--ssl-ca=${file("ca.pem")}`,
      `--ssl-cert=${file("cert.pem")}`,
      `--ssl-key=${file("key.pem")}`
    )
    onTestFinished(() => server.kill())
    await server.database()
    await server.query("ALTER USER 'ports'@'%' REQUIRE SSL")
    return { server, url: server.overTcp().replace("127.0.0.1", "localhost") }
  }

  it("may break at any time, also while it is made: nothing is called a failure, and all is done once", async () => {
    const { server, url } = await started()
    await at(`${url}?ca=${file("ca.pem")}`).ok("allocate", "--app", "first")
    // Garbage in the place of the first answers, with which MySQL's TLS begins, too, is no secure connection.
    for (const [how, from] of [
      ["cut", 1],
      ["garbage", isMySql ? 4 : 3]
    ] as const) {
      for (let chunk = from; ; chunk++) {
        const proxy = await brokenAt(server.socket, chunk, how)
        const box = at(`${url.replace(`:${server.port}`, `:${proxy.port}`)}?ca=${file("ca.pem")}`)
        const run = await box.d("allocate", "--app", `${how}${chunk}`)
        expect([how, chunk, run.code, run.stderr]).toEqual([how, chunk, 0, ""])
        if (!proxy.broke()) break
      }
    }
    const written = await server.query(
      "SELECT `key` FROM port_history WHERE what = 'allocate' GROUP BY `key` HAVING COUNT(*) > 1",
      [],
      "ports"
    )
    expect(written).toEqual([])
  })

  it("is made where it is asked for, and refused where the server is not who it should be", async () => {
    const { url } = await started()
    expect(await at(`${url}?ca=${file("ca.pem")}`).ok("allocate", "--app", "a")).toContain("a-prod 26000")
    expect(await at(`${url}?tls=skip-verify`).ok("getPort", "--key", "a-dev")).toBe("26001\n")
    const hint = "hint: correct AUTOMATELINUX_DATABASE_URL; if the account requires TLS, add"
    await expectTrouble(
      () => at(url).d("listPorts"),
      new RegExp(`it refuses this user or password\n${hint} \\?tls=true to it`)
    )
    await expectTrouble(() => at(`${url}?lockTimeout=3`).d("listPorts"), new RegExp(`${hint} &tls=true to it`))
    await expectTrouble(() => at(`${url}?tls=true`).d("listPorts"), /no secure connection: .*certificate/)
    await expectTrouble(() => at(`${url}?ca=/none.pem`).d("listPorts"), /no secure connection: .*none.pem/)
  })

  it("goes by the name that is given, as through a tunnel", async () => {
    const { server } = await started()
    const named = (name: string) => at(`${server.overTcp()}?ca=${file("ca.pem")}&serverName=${name}`)
    expect(await named("localhost").ok("listPorts")).toMatch(/^KEY/)
    await expectTrouble(
      () => named("db.example").d("listPorts"),
      /no secure connection: .*Host: db\.example\..*\nhint: if it is the right server, name the host in its certificate: serverName /
    )
    // A name is a reason to verify it.
    await expectTrouble(
      () => at(`${server.overTcp()}?serverName=localhost`).d("listPorts"),
      /no secure connection: .*certificate/
    )
  })

  it("is refused by a server that has none", async () => {
    const server = await MariaDb.start(...(isMySql ? ["--tls-version="] : []))
    onTestFinished(() => server.kill())
    await server.database("portsplain")
    await expectTrouble(
      () => at(`${server.overTcp("portsplain")}?tls=skip-verify`).d("listPorts"),
      /no secure connection/
    )
  })
})

describe("a tunnel without a server behind it", () => {
  it.each(["ends each connection", "resets each connection"])("that %s is named at once", async (how) => {
    let connections = 0
    const tunnel = createServer((socket) => {
      connections++
      if (how.startsWith("ends")) socket.end()
      else socket.resetAndDestroy()
    })
    await new Promise<void>((done) => tunnel.listen(0, "127.0.0.1", done))
    onTestFinished(() => void tunnel.close())
    const { port } = tunnel.address() as AddressInfo
    const box = at(`mysql://a:b@127.0.0.1:${port}/x`)
    for (const words of [
      ["getPort", "--key", "a"],
      ["allocate", "--app", "a"]
    ]) {
      await expectTrouble(
        () => box.d(...words),
        /: it closes connections before it says anything, as a tunnel or proxy does without a server behind it\nhint: check the tunnel/,
        /database x at 127/
      )
    }
    // One may break by chance, so it is tried again, but not for seconds.
    expect(connections).toBeGreaterThan(2)
    expect(connections).toBeLessThan(20)
  })

  it("is waited for if there was one: the server may be restarting", async () => {
    const server = await MariaDb.start()
    onTestFinished(() => server.kill())
    await server.database()
    let away = 0
    const tunnel = createServer((client) => {
      if (away > 0) {
        away--
        client.end()
        return
      }
      const upstream = connect(server.port, "127.0.0.1")
      for (const socket of [client, upstream]) socket.on("error", () => {})
      client.pipe(upstream).pipe(client)
    })
    await new Promise<void>((done) => tunnel.listen(0, "127.0.0.1", done))
    onTestFinished(() => void tunnel.close())
    const { port } = tunnel.address() as AddressInfo
    const box = at(server.overTcp().replace(`:${server.port}`, `:${port}`))
    const daemon = await startDaemon(box)
    await box.ok("allocate", "--app", "a")
    away = 10
    await server.killConnections("ports")
    expect(await box.ok("allocate", "--app", "b")).toContain("b-prod 26002")
    expect(away).toBe(0)
    await daemon.stop()
  })
})

describe("a connection cut exactly at COMMIT", () => {
  let server: MariaDb
  let databases = 0

  const throughProxy = async (seconds: number, ...fates: ReadonlyArray<Fate | "gone">) => {
    server = await sharedServer()
    const name = `ports_cut${++databases}`
    await server.database(name)
    await at(server.overTcp(name)).ok("allocate", "--app", "first")
    const proxy = await commitProxy(server.socket, fates)
    const history = async () =>
      (await server.query("SELECT DISTINCT what, `key` FROM port_history WHERE `key` LIKE 'cut%'", [], name)).length
    return { box: at(`mysql://ports:secret@127.0.0.1:${proxy}/${name}`, seconds), history }
  }

  const done = { code: 0, stdout: "cut-prod 26002\ncut-dev 26003\n", stderr: "" }

  it("before it took effect: done again", async () => {
    const { box, history } = await throughProxy(LIMIT_S, "before")
    expect(await box.d("allocate", "--app", "cut")).toEqual(done)
    expect(await history()).toBe(2)
  })

  it("after it took effect: found to be done, and not done twice", async () => {
    const { box, history } = await throughProxy(LIMIT_S, "after")
    expect(await box.d("allocate", "--app", "cut")).toEqual(done)
    expect(await history()).toBe(2)
    // What is found is what was answered, also where asking again would answer otherwise.
    const again = await throughProxy(LIMIT_S, "pass", "after")
    await again.box.ok("setPort", "--key", "cut", "--value", "26050")
    expect(await again.box.d("deletePort", "--key", "cut")).toMatchObject({
      code: 0,
      stdout: "Port entry deleted for cut\n"
    })
  })

  it.each([2006, 2013, 2055, 9001, 1105, 3024, 4711])(
    "that a proxy answers with the error %i: found out, and done once, whether or not it had taken effect",
    async (errno) => {
      for (const committed of [true, false]) {
        const { box, history } = await throughProxy(LIMIT_S, { errno, committed })
        expect(await box.d("allocate", "--app", "cut")).toEqual(done)
        expect(await history()).toBe(2)
      }
    }
  )

  it("many times over: done once", async () => {
    const { box, history } = await throughProxy(30, "before", "after", "before", "before")
    expect(await box.d("allocate", "--app", "cut")).toEqual(done)
    expect(await history()).toBe(2)
  })

  it("each time: given up in the end, and never called a failure", async () => {
    const { box, history } = await throughProxy(LIMIT_S, ...Array<Fate>(10_000).fill("before"))
    await expectTrouble(() => box.d("allocate", "--app", "cut"), /cannot tell whether the change was made/)
    expect(await history()).toBe(0)
  })

  it.each(["before", "after"] as const)("%s, and nobody left to ask: never called a failure", async (fate) => {
    const { box, history } = await throughProxy(LIMIT_S, fate, "gone")
    const run = await box.d("allocate", "--app", "cut", "--json")
    expect([run.code, run.stdout]).toEqual([3, ""])
    expect(JSON.parse(run.stderr).error).toMatchObject({
      code: "outcome-unknown",
      message: expect.stringContaining("cannot tell whether the change was made: database ports_cut"),
      hint: "d listPorts shows the current state"
    })
    expect(await history()).toBe(fate === "after" ? 2 : 0)
  })
})
