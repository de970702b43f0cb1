// Bundles the program. dist/d.cjs is all that a question to a running daemon needs, and small. What it loads on need
// lies in a directory that is named by its content, so that a program that runs, or starts meanwhile, never meets parts
// of two builds; dist/d.cjs comes last, and replaces the one before by a rename.
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { build } from "esbuild"

const bundle = async (entry, plugins = []) => {
  const { outputFiles } = await build({
    entryPoints: [`src/${entry}.ts`],
    bundle: true,
    minify: true,
    platform: "node",
    target: "node20.19",
    format: "cjs",
    write: false,
    // The drivers, loaded on need.
    external: ["better-sqlite3", "mysql2"],
    // What is imported on need is required: that spares Node's other loader.
    supported: { "dynamic-import": false },
    plugins,
    logLevel: "warning"
  })
  return outputFiles[0].text
}

/** What d.cjs loads on need; it stands outside of its bundle. */
const PARTS = ["run", "report", "terminalTable"]

const texts = new Map(await Promise.all(PARTS.map(async (name) => [name, await bundle(name)])))
const digest = createHash("sha256").update(process.version).update(readFileSync("src/cached.cjs"))
for (const text of texts.values()) digest.update(text)
const directory = `parts-${digest.digest("hex").slice(0, 16)}`

const onNeed = {
  name: "on-need",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\.ts$/ }, ({ kind, path }) =>
      kind === "dynamic-import"
        ? { path: path.replace(/^\.\/(.*)\.ts$/, `./${directory}/$1.cjs`), external: true }
        : null
    )
}

const RUN = `const { join } = require("node:path")
module.exports = require("./cached.cjs").load(join(__dirname, "program.js")).exports
`

/** Writes the parts, complete or not at all. `run` is so large that V8's work on it is kept beside it. */
const writeParts = () => {
  const built = `dist/${directory}.${process.pid}`
  mkdirSync(built, { recursive: true })
  for (const name of ["report", "terminalTable"]) writeFileSync(join(built, `${name}.cjs`), texts.get(name))
  writeFileSync(join(built, "program.js"), texts.get("run"))
  copyFileSync("src/cached.cjs", join(built, "cached.cjs"))
  writeFileSync(join(built, "run.cjs"), RUN)
  execFileSync(process.execPath, ["src/warm.cjs", join(built, "program.js")], {
    stdio: ["ignore", "ignore", "inherit"]
  })
  try {
    renameSync(built, `dist/${directory}`)
  } catch {
    // Another build of the same was faster.
    rmSync(built, { recursive: true })
  }
}

if (!existsSync(`dist/${directory}`)) writeParts()

const built = `dist/d.cjs.${process.pid}`
writeFileSync(built, `#!/usr/bin/env node\n${await bundle("main", [onNeed])}`)
chmodSync(built, 0o755)
renameSync(built, "dist/d.cjs")

/** A program that was started before this may still load its parts. */
const HOUR_MS = 3_600_000
for (const name of readdirSync("dist")) {
  const old = name.startsWith("parts-") && name !== directory && Date.now() - statSync(`dist/${name}`).mtimeMs > HOUR_MS
  if (old) rmSync(`dist/${name}`, { recursive: true, force: true })
}
