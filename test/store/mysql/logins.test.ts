import { resolve } from "node:path"
import { beforeEach, expect, it } from "vitest"
import { inProcess } from "../../support/inProcess.ts"
import { type MariaDb, sharedServer } from "../../support/mariadb.ts"

const tls = (name: string) => resolve("test/support/tls", name)

let server: MariaDb

beforeEach(async () => {
  server = await sharedServer(
    `--ssl-ca=${tls("ca.pem")}`,
    `--ssl-cert=${tls("cert.pem")}`,
    `--ssl-key=${tls("key.pem")}`
  )
  await server.query("CREATE DATABASE IF NOT EXISTS ports")
  // As an administrator creates one, who names no way of logging in. MySQL's caching_sha2_password has seen nothing of it.
  await server.query(
    "DROP USER IF EXISTS 'new'@'%'; CREATE USER 'new'@'%' IDENTIFIED BY 'päss wörd'; GRANT ALL ON ports.* TO 'new'@'%'"
  )
})

const account = (password: string) => `mysql://new:${encodeURIComponent(password)}`

/** Each way to the server, by which a password travels in another form. */
const WAYS = {
  "over the socket": (password: string) => `${account(password)}@localhost/ports?socket=${server.socket}`,
  "over TCP without TLS": (password: string) => `${account(password)}@127.0.0.1:${server.port}/ports`,
  "over TLS": (password: string) => `${account(password)}@localhost:${server.port}/ports?ca=${tls("ca.pem")}`
}

it.each(Object.keys(WAYS) as ReadonlyArray<keyof typeof WAYS>)(
  "lets a new account log in %s, and once more, and refuses a wrong password before and after",
  async (way) => {
    const url = WAYS[way]
    const as = (password: string) => inProcess({ AUTOMATELINUX_DATABASE_URL: url(password) })
    const refused = async () => {
      const run = await as("wrong").d("listPorts")
      expect(run).toMatchObject({ code: 3, stdout: "" })
      expect(run.stderr).toContain("it refuses this user or password")
    }
    await refused()
    expect(await as("päss wörd").ok("listPorts")).toMatch(/^KEY|^no ports/i)
    await refused()
    expect(await as("päss wörd").ok("reserve", "--port", "9", "--reason", way)).toContain("reserved")
    await as("päss wörd").ok("unreserve", "--port", "9")
  }
)
