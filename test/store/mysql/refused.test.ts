import { createServer, type Socket } from "node:net"
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest"
import { inProcess } from "../../support/inProcess.ts"
import { MariaDb } from "../../support/mariadb.ts"

let server: MariaDb

beforeAll(async () => {
  server = await MariaDb.start()
  await server.database("ports")
  await inProcess({ AUTOMATELINUX_DATABASE_URL: server.overTcp() }).ok("reserve", "--port", "3999", "--reason", "x")
})
afterAll(() => server.kill())

const getPort = (url: string) => inProcess({ AUTOMATELINUX_DATABASE_URL: url }).d("getPort", "--key", "x")
const as = (user: string, password = "pw") => `mysql://${user}:${password}@127.0.0.1:${server.port}/ports`

const fakeServer = async (greet: (socket: Socket) => void): Promise<string> => {
  const fake = createServer((socket) => {
    socket.on("error", () => {})
    greet(socket)
  })
  await new Promise<void>((done) => fake.listen(0, "127.0.0.1", done))
  onTestFinished(() => void fake.close())
  return `mysql://u:p@127.0.0.1:${(fake.address() as { port: number }).port}/x`
}

/** What is retried takes 5 seconds; what is said at once takes a start of Node. */
const AT_ONCE_MS = 4000

it.each([
  [
    1130,
    "Host 'vm' is not allowed to connect to this MariaDB server",
    "it accepts no connections from this host: Host 'vm'"
  ],
  [
    1129,
    "Host 'vm' is blocked because of many connection errors",
    "it accepts no connections from this host: Host 'vm' is blocked"
  ],
  [1251, "Client does not support authentication protocol", "it does not accept this account: Client does not"],
  [4711, "a number that nobody knows", "it says: a number that nobody knows (4711)"]
])("a server that says %i before it says who it is: told at once", async (errno, message, told) => {
  const body = Buffer.concat([Buffer.from([0xff, errno & 255, errno >> 8]), Buffer.from(message)])
  const url = await fakeServer((socket) => socket.end(packet(0, body)))
  const began = performance.now()
  const run = await getPort(url)
  expect(performance.now() - began).toBeLessThan(AT_ONCE_MS)
  expect(run).toMatchObject({ code: 3, stdout: "" })
  expect(run.stderr).toContain(told)
})

/** The first packet of a server, and the one with which it asks for another way of logging in. */
const greeting = Buffer.concat([
  Buffer.from("\n5.5.5-10.11.19-MariaDB\0", "latin1"),
  Buffer.from([1, 0, 0, 0, ...Array<number>(8).fill(97), 0, 0xff, 0xf7, 45, 2, 0, 0xff, 0x81, 21]),
  Buffer.alloc(10),
  Buffer.from(`${"b".repeat(12)}\0mysql_native_password\0`)
])
const anotherWay = Buffer.concat([Buffer.from([0xfe]), Buffer.from("client_ed25519\0"), Buffer.alloc(32, 99)])
const packet = (number: number, body: Buffer) =>
  Buffer.concat([Buffer.from([body.length & 255, body.length >> 8, 0, number]), body])

it("an account that logs in in another way: told at once, with the way", async () => {
  const url = await fakeServer((socket) => {
    socket.write(packet(0, greeting))
    socket.once("data", () => socket.write(packet(2, anotherWay)))
  })
  const began = performance.now()
  const run = await getPort(url)
  expect(performance.now() - began).toBeLessThan(AT_ONCE_MS)
  expect(run).toMatchObject({ code: 3, stdout: "" })
  expect(run.stderr).toMatch(/it requires an authentication method that d does not support: .*client_ed25519/)
})

const ACCOUNTS = [
  ["locked", "ACCOUNT LOCK", "it does not accept this account"],
  ["expired", "PASSWORD EXPIRE", "it does not accept this account"]
] as const

it.each(ACCOUNTS)("an account that is %s", async (name, clause, told) => {
  await server.query(`CREATE USER ${name}@'%' IDENTIFIED BY 'pw' ${clause}; GRANT ALL ON ports.* TO ${name}@'%'`)
  const run = await getPort(as(name))
  expect(run).toMatchObject({ code: 3, stdout: "" })
  expect(run.stderr).toContain(told)
  expect(run.stderr).not.toContain("which rights are needed")
})

/** A global of the server, a command that fails by it, and what is said of it. */
const LIMITS = [
  ["max_prepared_stmt_count = 0", ["getPort", "--key", "x"], "max_prepared_stmt_count"],
  [
    "max_allowed_packet = 1024, GLOBAL net_buffer_length = 1024",
    ["allocate", "--app", "b", "--description", "é".repeat(500)],
    /one of its limits is too small: .*max_allowed_packet/
  ],
  ["init_connect = 'SELECT nonsense'", ["getPort", "--key", "x"], /init_connect|the connection broke/]
] as const

it.each(LIMITS)("a server with %s: what it says, and nothing of rights", async (setting, words, told) => {
  const [name = ""] = setting.split(" ")
  const [before] = await server.query(`SELECT @@GLOBAL.${name} AS value`)
  const limits = { AUTOMATELINUX_DATABASE_TIMEOUT: "1 seconds" }
  await server.query(`SET GLOBAL ${setting}`)
  try {
    const run = await inProcess({ AUTOMATELINUX_DATABASE_URL: server.overTcp(), ...limits }).d(...words)
    expect(run.stderr).toMatch(told)
    expect(run).toMatchObject({ code: 3, stdout: "" })
    expect(run.stderr).not.toContain("which rights are needed")
  } finally {
    await server.query(`SET GLOBAL ${name} = ?, GLOBAL net_buffer_length = DEFAULT`, [before?.["value"] as string])
  }
})
