// Runs vitest with the words that follow. Now and then vitest does not hear from one of its processes any more, and would wait
// for it forever: the test files that were not finished then run once more. One that hangs again fails the run.
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { resolve } from "node:path"

const unfinished = resolve(`node_modules/.cache/unfinished-${process.pid}`)

const run = (env) =>
  spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env }
  }).status ?? 1

let status = run({ PORTS_TEST_UNFINISHED: unfinished })
if (existsSync(unfinished)) {
  const files = readFileSync(unfinished, "utf8")
  rmSync(unfinished)
  console.error(`running once more: ${files}`)
  status = run({ PORTS_TEST_FILES: files })
}
process.exit(status)
