// Loaded into a process before `d`: measures how long each of its transactions holds SQLite's lock, and writes the times
// to the file HELD_LOCKS at its end, in milliseconds.
const { writeFileSync } = require("node:fs")
const Module = require("node:module")

const held = []
let since

/** Notes what a statement does to the lock, once it has been done. */
const note = (sql) => {
  if (/^BEGIN IMMEDIATE/i.test(sql)) since = performance.now()
  if (!/^(COMMIT|ROLLBACK)/i.test(sql) || since === undefined) return
  held.push(performance.now() - since)
  since = undefined
}

/** Returns the driver with a class of databases that notes its statements. The methods of its own cannot be replaced. */
const measured = (driver) => ({
  ...driver,
  DatabaseSync: class extends driver.DatabaseSync {
    exec(sql) {
      super.exec(sql)
      note(sql)
    }
    prepare(sql, ...rest) {
      const statement = super.prepare(sql, ...rest)
      const run = (...values) => {
        const done = Object.getPrototypeOf(statement).run.apply(statement, values)
        note(sql)
        return done
      }
      return Object.defineProperty(statement, "run", { value: run })
    }
  }
})

const { getBuiltinModule } = process
if (getBuiltinModule !== undefined)
  process.getBuiltinModule = (name) => {
    const loaded = getBuiltinModule.call(process, name)
    return name === "node:sqlite" && loaded !== undefined ? measured(loaded) : loaded
  }

const load = Module._load
Module._load = (request, ...rest) => {
  const loaded = load(request, ...rest)
  return /\/sqlite-[^/]*\/dist\/index\.cjs$/.test(request) ? measured(loaded) : loaded
}

process.on("exit", () => writeFileSync(process.env.HELD_LOCKS, JSON.stringify(held)))
