import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import "../support/cli.ts"
import { rangesEnv } from "../support/ports.ts"
import { ensure } from "../support/programs.ts"
import { temporary } from "../support/root.ts"

/** The width and the height of a PNG. */
const sizeOf = (path: string): ReadonlyArray<number> => {
  const file = readFileSync(path)
  return [file.readUInt32BE(16), file.readUInt32BE(20)]
}

it("npm run pictures makes the pictures of the dashboard, in light and dark", () => {
  ensure(["chromium"], ["chromium"])
  const made = temporary()
  const run = spawnSync(process.execPath, ["src/build/pagePictures.mjs", made], {
    env: { ...process.env, ...rangesEnv },
    encoding: "utf8"
  })
  expect(run.stderr).toBe("")
  const names = readdirSync("docs/pictures").filter((name) => name.endsWith(".png"))
  expect(readdirSync(made)).toEqual(names)
  for (const name of names) {
    expect(sizeOf(join(made, name))).toEqual(sizeOf(join("docs/pictures", name)))
    expect(readFileSync(join("docs/pictures", name)).length).toBeLessThan(200_000)
  }
})
