import { userInfo } from "node:os"
import { expect, it } from "vitest"
import { defaultDatabase, settingsFile } from "../../src/config/paths.ts"
import { fingerprintOf, UNREADABLE } from "../../src/socket/configFingerprint.ts"
import { serverPath } from "../../src/socket/socketPath.ts"
import { machine } from "../support/cli.ts"

const HOME = userInfo().homedir

it.each([
  ["not set", {}],
  ["set to nothing", { HOME: "", XDG_STATE_HOME: "", XDG_CONFIG_HOME: "" }],
  ["relative", { HOME: "rel", XDG_STATE_HOME: "state", XDG_CONFIG_HOME: "./config" }]
])("looks in the home that the system knows if the variables are %s", (_, environment) => {
  expect(defaultDatabase(environment)).toBe(`${HOME}/.local/state/automatelinux/ports.sqlite`)
  expect(settingsFile(environment)).toBe(`${HOME}/.config/automatelinux/ports.json`)
})

it("takes no relative directory for the one that sockets are in", () => {
  const uid = 54_403
  expect(serverPath({ XDG_RUNTIME_DIR: "run" }, uid)).toBe(`/tmp/automatelinux-${uid}/automatelinux-ports.sock`)
})

it.each(["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"])("refuses a control character in %s", async (variable) => {
  const run = await machine({ [variable]: "/tmp/home\r" }).d("listPorts")
  expect([run.code, run.stdout]).toEqual([2, ""])
  expect(run.stderr).toMatch(new RegExp(`^error: ${variable} "/tmp/home\\\\r" has a control character`))
})

it("names a server without what is secret, and as everyone names it", () => {
  const urlOf = (AUTOMATELINUX_DATABASE_URL: string) => {
    const identity = fingerprintOf({ HOME: "/none", AUTOMATELINUX_DATABASE_URL })
    return identity === UNREADABLE ? identity : identity.databaseUrl
  }
  expect(urlOf("mysql://ports:p@ss/w?rd@db/ports?tls=true")).toBe("mysql:db:3306/ports")
  expect(urlOf("mariadb://other@db:3306/ports")).toBe("mysql:db:3306/ports")
  expect(urlOf("mysql://me:pw@localhost/ports?socket=/run/s")).toBe("mysql:/run/s/ports")
  expect(urlOf("mysql://me:pw@a,b:3307/ports")).toBe("mysql:a:3306,b:3307/ports")
})
