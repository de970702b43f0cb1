// Bundles the program. dist/d.cjs loads the client, which is small and all that a request to a running daemon needs, and
// the parts that the client needs on demand. They are in a directory named by a digest of their content, so that a
// program that is running or starting never mixes the parts of two builds; dist/d.cjs is written last, and replaces the
// previous one by a rename.
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { basename, join } from "node:path"
import { transform } from "esbuild"
import { bundle, bundleClient, httpApart, leftOut, PARTS, quietLogger } from "./bundle.mjs"
import { buildDashboard } from "./dashboard.mjs"
import { buildLibrary } from "./library.mjs"
import { licensesOf } from "./licenses.mjs"
import { manPage } from "./man.mjs"

/** Makes `dist/NAME` with the files that `write` creates, completely or not at all. */
const makeDirectory = async (name, write) => {
  const made = `dist/${name}.${process.pid}`
  mkdirSync(made, { recursive: true })
  await write(made)
  try {
    renameSync(made, `dist/${name}`)
  } catch {
    // Another build of the same content was faster.
    rmSync(made, { recursive: true })
  }
}

/**
 * The SQLite driver for versions of Node without a built-in one. Its package has an install script, which npm warns
 * about, so it is not a dependency: its prebuilt binaries, for the systems that d runs on, become part of this package.
 */
const SQLITE = "node_modules/@photostructure/sqlite"
const sqlite = `sqlite-${JSON.parse(readFileSync(join(SQLITE, "package.json"), "utf8")).version}`
const SYSTEMS = /^(linux|darwin)-(x64|arm64)$/
const driver = await bundle(join(SQLITE, "dist/index.cjs"))

const writeSqlite = (directory) => {
  mkdirSync(join(directory, "dist"))
  writeFileSync(join(directory, "dist/index.cjs"), driver.text)
  for (const system of readdirSync(join(SQLITE, "prebuilds")).filter((name) => SYSTEMS.test(name)))
    cpSync(join(SQLITE, "prebuilds", system), join(directory, "prebuilds", system), { recursive: true })
}

const asBuilt = {
  name: "as-built",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^@photostructure\/sqlite$/ }, () => ({ path: `../${sqlite}/dist/index.cjs`, external: true }))
}

const bundles = new Map(
  await Promise.all(
    PARTS.map(async (path) => [
      basename(path),
      await bundle(`src/${path}.ts`, [asBuilt, httpApart, leftOut, quietLogger])
    ])
  )
)
bundles.set("client", await bundleClient())
const digest = createHash("sha256")
for (const { text } of bundles.values()) digest.update(text)
const parts = `parts-${digest.digest("hex").slice(0, 16)}`

const writeParts = (directory) => {
  // Wrapped at build time, because concatenating 600 kB would slow down every start.
  const head = "(function (exports, require, module, __filename, __dirname) {"
  for (const [name, { text }] of bundles) writeFileSync(join(directory, `${name}.cjs`), `${head}${text}\n})`)
}

if (!existsSync(`dist/${sqlite}`)) await makeDirectory(sqlite, writeSqlite)
if (!existsSync(`dist/${parts}`)) await makeDirectory(parts, writeParts)

/** The check runs before anything else. For that, an old Node must be able to parse the whole file. */
const { engines } = JSON.parse(readFileSync("package.json", "utf8"))
const [major, minor] = engines.node.replace(">=", "").split(".").map(Number)
const CHECK = `var v=process.versions.node.split(".");if(v[0]<${major}||v[0]==${major}&&v[1]<${minor}){console.error("error: d needs Node ${major}.${minor} or newer, and this is "+process.version+"\\nhint: node --version shows which Node your PATH has");process.exit(3)}`

/** Writes a file completely or not at all. */
const replaceFile = (path, text, mode = 0o644) => {
  const built = `${path}.${process.pid}`
  writeFileSync(built, text)
  chmodSync(built, mode)
  renameSync(built, path)
}

/** Returns the lines that load parts into a program in a directory from which dist is at `dist`. */
const loaderFrom = (dist) =>
  readFileSync("src/build/loader.cjs", "utf8").replace('"DIST"', `"${dist}"`).replace('"PARTS"', `"${parts}"`)

const { code } = await transform(`${loaderFrom(".")}\n${readFileSync("src/build/start.cjs", "utf8")}`, {
  minify: true,
  target: "node12"
})
replaceFile("dist/d.cjs", `#!/usr/bin/env node\n${CHECK}\n${code}`, 0o755)
const files = [
  ...driver.files,
  ...[...bundles.values()].flatMap((each) => each.files),
  ...(await buildLibrary(replaceFile, loaderFrom(".."))),
  ...(await buildDashboard(replaceFile))
]
replaceFile("dist/licenses.txt", licensesOf(files))

/** Runs the program that was just built, and returns its output. */
const said = (...words) =>
  // Without a HOME it keeps no code of V8's.
  execFileSync(process.execPath, ["dist/d.cjs", ...words], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: "" }
  })
mkdirSync("dist/man", { recursive: true })
replaceFile("dist/man/d.1", manPage(JSON.parse(said("help", "--json")).commands, said("help"), said("version").trim()))
// npm installs a page under its own name: the program's other name has the same.
replaceFile("dist/man/automatelinux-ports.1", ".so man1/d.1\n")

/** Parts of recent builds are kept: a program that was started before this build may still load them. */
const HOUR_MS = 3_600_000
for (const name of readdirSync("dist")) {
  const old =
    ![parts, sqlite, "d.cjs", "library", "licenses.txt", "man", "dashboard"].includes(name) &&
    Date.now() - statSync(`dist/${name}`).mtimeMs > HOUR_MS
  if (old) rmSync(`dist/${name}`, { recursive: true, force: true })
}
