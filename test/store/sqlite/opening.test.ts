import { readFileSync, renameSync } from "node:fs"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { classifyError } from "../../../src/store/sqlite/errors.ts"
import { FileReplaced } from "../../../src/store/sqlite/files.ts"
import { open } from "../../../src/store/sqlite/opening.ts"
import { temporary } from "../../support/root.ts"
import { openSqlite } from "../../support/sqlite.ts"

const never = () => false

it("opens no file beside a connection of this process to the one before", async () => {
  const path = join(temporary(), "ports.sqlite")
  const first = await open(path, true, never)
  onTestFinished(() => first.database.close())
  first.database.exec("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
  first.database.exec(`VACUUM INTO '${path}.backup'`)
  first.database.exec("INSERT INTO t VALUES (2)")
  renameSync(`${path}.backup`, path)
  const backup = readFileSync(path)
  await expect(open(path, true, () => !first.isCurrent())).rejects.toBeInstanceOf(FileReplaced)
  expect(readFileSync(path)).toEqual(backup)
})

it("takes the error of a file that was replaced while it was open for that, and not for a matter of rights", () => {
  const path = join(temporary(), "ports.sqlite")
  const other = openSqlite(`${path}.backup`)
  other.exec("CREATE TABLE t (x)")
  other.close()
  const database = openSqlite(path)
  onTestFinished(() => database.close())
  database.exec("CREATE TABLE t (x)")
  renameSync(`${path}.backup`, path)
  const error: unknown = (() => {
    try {
      return database.exec("PRAGMA journal_mode = WAL")
    } catch (refused) {
      return refused
    }
  })()
  expect(error).toMatchObject({ errcode: 1032 })
  expect(classifyError(error, path)).toMatchObject({
    _tag: "ConnectionLost",
    reason: "it keeps being removed or replaced"
  })
})
