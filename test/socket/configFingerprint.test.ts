import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { expect, it } from "vitest"
import { parseDatabase } from "../../src/config/databaseUrl.ts"
import { fingerprintBy, fingerprintOf } from "../../src/socket/configFingerprint.ts"
import { temporary } from "../support/root.ts"

const SECRET = "s3cr3t"
/** A password with everything that divides the parts of a URL. */
const password = fc
  .array(fc.constantFrom("@", "/", "?", "#", ":", ",", "&", "=", "%25", "mysql://", "x"), { maxLength: 6 })
  .map((parts) => `${SECRET}${parts.join("")}${SECRET}`)
const query = fc.constantFrom("", "?tls=true", "?socket=/run/db.sock", "?ca=/etc/ca@home/x.pem&connectTimeout=2")
const hosts = fc.constantFrom("db", "db:3307", "a,b:3307", "localhost")

/** What a client sends; of what is no URL of a database, that it is none. */
const sentFor = (url: string): unknown => {
  try {
    return fingerprintBy((name) => (name === "databaseUrl" ? url : undefined), {})
  } catch (error) {
    return String(error)
  }
}

it("never has a password, or a digest of it, in what a client sends", () => {
  fc.assert(
    fc.property(
      password,
      hosts,
      query,
      fc.constantFrom("mysql", "mariadb", "postgres", ""),
      (secret, host, rest, kind) => {
        const url = `${kind}://ports:${secret}@${host}/ports${rest}`
        const sent = sentFor(url)
        expect(JSON.stringify(sent)).not.toContain(SECRET)
        // Another password is the same registry: nothing that is sent depends on it.
        expect(sent).toEqual(sentFor(url.replaceAll(SECRET, "other")))
      }
    ),
    { numRuns: 2000 }
  )
})

it("has what the setting says apart from that", () => {
  const url = `mysql://ports:${SECRET}@a,b:3307/registry`
  expect(parseDatabase(url)._tag).toBe("Right")
  expect(fingerprintOf({ HOME: "/home/me", XDG_CONFIG_HOME: "/nonexistent", AUTOMATELINUX_DATABASE_URL: url })).toEqual(
    {
      databaseUrl: "mysql:a:3306,b:3307/registry",
      settingsTable: "settings",
      appRange: "3000-3499",
      specialRange: "3500-3999",
      reservedPorts: ""
    }
  )
})

it("reads a file that begins with a byte order mark, as the daemon does", () => {
  const home = temporary()
  mkdirSync(join(home, ".config/automatelinux"), { recursive: true })
  writeFileSync(join(home, ".config/automatelinux/ports.json"), '\uFEFF{"appRange": "4000-4099"}')
  expect(fingerprintOf({ HOME: home })).toMatchObject({ appRange: "4000-4099" })
})
