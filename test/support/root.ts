import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** Everything that a test makes lies in here, and is removed when the run has ended. */
export const ROOT = process.env["PORTS_TEST_ROOT"] ?? ""

/** An empty directory. */
export const temporary = (): string => mkdtempSync(join(ROOT, "t"))

/** Does `work` once in a run of the tests: the first process that needs it does it, and the others wait. */
export const once = (name: string, work: () => void): void => {
  const directory = join(ROOT, `once-${name}`)
  const done = join(directory, "done")
  const failed = join(directory, "failed")
  try {
    mkdirSync(directory)
  } catch {
    while (!existsSync(done)) {
      if (existsSync(failed)) throw new Error(`another test file could not do the ${name}`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
    }
    return
  }
  try {
    work()
  } catch (error) {
    writeFileSync(failed, "")
    throw error
  }
  writeFileSync(done, "")
}
