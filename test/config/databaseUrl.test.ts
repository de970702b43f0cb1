import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { parseDatabase } from "../../src/config/databaseUrl.ts"

const parsed = (url: string) => Either.getOrThrow(parseDatabase(url))

describe("a URL", () => {
  it.each([
    "sqlite:/a/p.sqlite\r",
    "sqlite:/a/p.sqlite ",
    " sqlite:/a/p.sqlite",
    "sqlite:/a/p.sqlite?mode=ro",
    "sqlite:/a/p.sqlite#x",
    "sqlite:/a/p%20q.sqlite",
    "sqlite:/a/\u0085.sqlite",
    "mysql://ports:pw@127.0.0.1:4406/ports\r",
    "mysql://ports:pw@127.0.0.1:4406/ports "
  ])("is refused with what is no part of a name: %j", (url) => {
    const problem = Either.getOrThrow(Either.flip(parseDatabase(url)))
    expect(problem).toMatch(/control character|begins or ends|parameter/)
    expect(problem).not.toMatch(/\p{Cc}|pw/u)
  })

  it("names a file", () => {
    expect(parsed("sqlite:/a/b.sqlite")).toEqual({ _tag: "Sqlite", path: "/a/b.sqlite" })
    expect(parsed("sqlite:///a/b.sqlite")).toEqual({ _tag: "Sqlite", path: "/a/b.sqlite" })
  })

  it("names a server, with what is usual left out", () => {
    expect(parsed("mysql://localhost/ports")).toMatchObject({
      servers: [{ host: "localhost", port: 3306 }],
      name: "ports",
      user: undefined,
      password: undefined,
      tls: undefined,
      limits: {}
    })
    expect(parsed("mariadb://me@db.example:3307/ports")).toMatchObject({
      servers: [{ host: "db.example", port: 3307 }],
      user: "me"
    })
    expect(parsed("mysql:///ports?socket=/run/mysqld/mysqld.sock")).toMatchObject({
      servers: [{ socket: "/run/mysqld/mysqld.sock" }]
    })
    expect(parsed("mysql://me@[::1]:3307,b,c:1/ports")).toMatchObject({
      servers: [
        { host: "::1", port: 3307 },
        { host: "b", port: 3306 },
        { host: "c", port: 1 }
      ]
    })
  })

  it.each([
    ["secret", "secret"],
    ["p%40ss", "p@ss"],
    ["p@s:s/w?ord#", "p@s:s/w?ord#"],
    ["%25", "%"]
  ])("takes the password %s", (written, password) => {
    const database = parsed(`mysql://me:${written}@host/ports`)
    expect(database._tag === "Mysql" && database.password && Redacted.value(database.password)).toBe(password)
    expect(JSON.stringify(database)).not.toContain(password)
    expect(String(Object.values(database))).not.toContain("secret")
  })

  it("takes TLS and limits as parameters", () => {
    expect(parsed("mysql://h/d?tls=true")).toMatchObject({ tls: { verify: true, ca: undefined } })
    expect(parsed("mysql://h/d?tls=skip-verify")).toMatchObject({ tls: { verify: false } })
    expect(parsed("mysql://h/d?ca=/ca.pem")).toMatchObject({ tls: { verify: true, ca: "/ca.pem" } })
    expect(parsed("mysql://h/d?connectTimeout=1&acquireTimeout=2&lockTimeout=3&statementTimeout=4.5")).toMatchObject({
      limits: { connect: 1000, acquire: 2000, lock: 3000, statement: 4500 }
    })
  })

  it.each([
    ["postgres://me:secret@h/d", /"postgres:\/\/…@h\/d" is not a known kind of database/],
    ["mysql:/me:secret@h/d", /"…@h\/d" is not a known kind of database/],
    ["me:secret@h/d", /"…@h\/d" is not a known kind of database/],
    ["mysql://me:sec\nsecret@h/", /"mysql:\/\/…@h\/" /],
    ["mysql://me:secret@h", /is incomplete: write mysql:/],
    ["mysql://me:secret", /^"mysql:\/\/me:…" is incomplete/],
    ["mysql://me:secret/d", /^"mysql:\/\/me:…" has an invalid host/],
    ["mysql://me:1secret/d?tls=true", /^"mysql:\/\/me:…" has an invalid host/],
    ["me:secret", /^"me:…" is not a known kind of database/],
    ["mysql://me:secret@h/", /names no database/],
    ["mysql://me:se%cret@h/d", /invalid percent encoding/],
    ["mysql://me:secret@h:99999/d", /has an invalid host/],
    ["mysql://me:secret@h,/d", /has an invalid host/],
    ["mysql://me:secret@h/d?tls=yes", /has tls="yes": write true, false or skip-verify/],
    ["mysql://me:secret@h/d?socket=s", /has socket="s": write an absolute path/],
    ["mysql://me:secret@h/d?lockTimeout=0", /has lockTimeout="0": write seconds/],
    ["mysql://me:secret@h/d?charset=utf8", /has "charset", which is not a parameter/]
  ])("%s is refused, without its secrets", (url, problem) => {
    const message = Either.getOrThrow(Either.flip(parseDatabase(url)))
    expect(message).toMatch(problem)
    expect(message).not.toMatch(/secret|cret/)
  })
})
