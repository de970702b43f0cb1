import { existsSync, mkdirSync, renameSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, afterEach, expect, it, onTestFinished, vi } from "vitest"
import type { RegistryError } from "../../src/domain/errors.ts"
import { Operation } from "../../src/domain/Operation.ts"
import { AppName, PortKey } from "../../src/domain/PortKey.ts"
import { Registry } from "../../src/registry/Registry.ts"
import type { Database } from "../../src/store/sqlite/binding.ts"
import * as connection from "../../src/store/sqlite/connection.ts"
import { registryLayer } from "../support/registry.ts"
import { temporary } from "../support/root.ts"
import { openSqlite } from "../support/sqlite.ts"

/** What happens at the next COMMIT of this process: the moment cannot be met from outside. */
const atCommit: { before?: (() => void) | undefined; after?: (() => void) | undefined } = {}
afterEach(() => {
  atCommit.before = undefined
  atCommit.after = undefined
})

const { makeConnection } = connection
const spy = vi.spyOn(connection, "makeConnection").mockImplementation((database: Database) =>
  makeConnection(
    new Proxy(database, {
      get: (target, name) => {
        if (name !== "prepare") return Reflect.get(target, name).bind(target)
        return (text: string) => {
          const statement = target.prepare(text)
          if (text !== "COMMIT") return statement
          const run = () => {
            const { after, before } = atCommit
            atCommit.before = undefined
            atCommit.after = undefined
            before?.()
            const result = statement.run()
            after?.()
            return result
          }
          return new Proxy(statement, { get: (each, name) => (name === "run" ? run : Reflect.get(each, name)) })
        }
      }
    })
  )
)
afterAll(() => spy.mockRestore())

const OPERATION = "0b9c4b0e-58f7-4a5e-9a53-6a6f1a3f7c1"

/** A registry in a process of its own, as far as the database can tell. */
const registryAt = (file = join(temporary(), "ports.sqlite")) => {
  const runtime = ManagedRuntime.make(
    registryLayer({
      HOME: temporary(),
      AUTOMATELINUX_HOST: "box",
      AUTOMATELINUX_APP_RANGE: "31300-31399",
      AUTOMATELINUX_SPECIAL_RANGE: "31400-31499",
      AUTOMATELINUX_DATABASE_URL: `sqlite:${file}`
    })
  )
  onTestFinished(() => runtime.dispose())
  const ask = <A, E extends RegistryError>(
    use: (registry: typeof Registry.Service) => Effect.Effect<A, E>,
    operation?: string
  ) => runtime.runPromise(Effect.either(Effect.provideService(Effect.flatMap(Registry, use), Operation, operation)))
  return {
    file,
    runtime,
    allocate: (app: string, operation?: string) =>
      ask(
        (registry) =>
          registry.allocate({
            apps: [AppName.make(app)],
            specials: [],
            description: undefined,
            directory: undefined,
            dryRun: false
          }),
        operation
      ),
    set: (key: string, port: number | undefined, operation?: string, description?: string) =>
      ask((registry) => registry.set({ key: PortKey.make(key), port, description, force: false }), operation),
    remove: (key: string, operation?: string) => ask((registry) => registry.remove(PortKey.make(key)), operation),
    release: (app: string, operation?: string) =>
      ask((registry) => registry.release({ apps: [AppName.make(app)], specials: [], force: false }), operation),
    get: (key: string) => ask((registry) => registry.get(PortKey.make(key)))
  }
}

const portOf = { right: { result: { port: expect.any(Number) } } }

it("is not kept if another program commits right after our own COMMIT", async () => {
  const one = registryAt()
  await one.allocate("first")
  await one.allocate("cad")
  const other = openSqlite(one.file)
  onTestFinished(() => other.close())
  atCommit.after = () =>
    other.exec(`BEGIN IMMEDIATE; DELETE FROM settings WHERE setting_key LIKE 'port_cad-%';
      DELETE FROM port_claims WHERE claim_key LIKE 'cad-%'; DELETE FROM port_keys WHERE "key" LIKE 'cad-%'; COMMIT`)
  await one.allocate("third")
  expect(await one.get("cad-dev")).toMatchObject({ left: { _tag: "NotSet" } })
  expect(await one.allocate("cad")).toMatchObject({
    right: { result: { assignments: [{ created: true }, { created: true }] } }
  })
  expect(await one.get("cad-dev")).toMatchObject(portOf)
})

it("a COMMIT that was lost is not taken for done by the number of another change of its group", async () => {
  const one = registryAt()
  await one.set("a", 31_410, `${OPERATION}1`)
  atCommit.before = () => {
    throw Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 10 })
  }
  const [again, fresh] = await Promise.all([
    one.set("a", 31_410, `${OPERATION}1`),
    one.set("b", 31_411, `${OPERATION}2`)
  ])
  expect([again, fresh]).toMatchObject([portOf, portOf])
  expect(await one.get("b")).toMatchObject({ right: { result: { port: 31_411 } } })
})

it("a change that is asked for again is never called a failure, and gives nothing back that came later", async () => {
  const one = registryAt()
  await one.set("cad-prod", 31_300)
  await one.release("cad", `${OPERATION}3`)
  await one.set("cad-dev", 31_301)
  expect(await one.release("cad", `${OPERATION}3`)).toMatchObject({ left: { _tag: "Overtaken" } })
  expect(await one.get("cad-dev")).toMatchObject(portOf)

  await one.set("y", 31_412)
  await one.set("y", undefined, `${OPERATION}4`, "described")
  await one.remove("y")
  expect(await one.set("y", undefined, `${OPERATION}4`, "described")).toMatchObject({ left: { _tag: "Overtaken" } })

  const other = openSqlite(one.file)
  onTestFinished(() => other.close())
  other.exec("INSERT INTO settings VALUES ('port_x', 'none')")
  const removed = await one.remove("x", `${OPERATION}5`)
  expect(await one.remove("x", `${OPERATION}5`)).toEqual(removed)
})

it("the -wal of a database stays if a symbolic link to it is led elsewhere", async () => {
  const directory = temporary()
  for (const version of ["v1", "v2"]) mkdirSync(join(directory, version))
  await registryAt(join(directory, "v2/p.sqlite")).allocate("two")
  symlinkSync(join(directory, "v1"), join(directory, "current"))
  const one = registryAt(join(directory, "current/p.sqlite"))
  await one.allocate("one")
  const other = openSqlite(join(directory, "v1/p.sqlite"))
  onTestFinished(() => other.close())
  other.exec("SELECT 1 FROM settings")
  symlinkSync(join(directory, "v2"), join(directory, "new"))
  renameSync(join(directory, "new"), join(directory, "current"))
  expect(await one.get("two-dev")).toMatchObject(portOf)
  expect(existsSync(join(directory, "v1/p.sqlite-wal"))).toBe(true)
})
