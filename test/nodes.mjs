// Runs what may depend on the version of Node on every one that d supports, other than the one that runs this.
// They come from the npm registry: the packages node-SYSTEM-ARCHITECTURE are Node's own binaries.
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"

const VERSIONS = ["20", "22", "24", "26"]
/** Every command by the built program, on both databases. */
const COMMANDS = { suites: ["test/e2e/sqlite.test.ts", "test/e2e/mariadb.test.ts"], env: { PORTS_TEST_SPAWN: "1" } }
const run = (...suites) => ({ suites, env: {} })
/** On the newest, whatever may depend on the version. npm test runs on the oldest. */
const ALL = run("test/e2e/", "test/library/port.test.ts", "test/store/sqlite.test.ts", "test/store/mariadb.test.ts")
/** In between, what is known to: the driver of SQLite, the code cache, sockets, processes and terminals. */
const KNOWN = run(
  "test/e2e/driver.test.ts",
  "test/e2e/storage.test.ts",
  "test/e2e/code-cache.test.ts",
  "test/e2e/daemon.test.ts",
  "test/e2e/fast-path.test.ts",
  "test/e2e/package.test.ts",
  "test/e2e/terminal.test.ts",
  "test/library/port.test.ts",
  "test/store/sqlite.test.ts"
)
const runsOf = (version) => [version === VERSIONS.at(-1) ? ALL : KNOWN, COMMANDS]
const CACHE = resolve("node_modules/.cache/nodes")

const install = (version) => {
  const directory = join(CACHE, version)
  const name = `node-${process.platform}-${process.arch}`
  const bin = join(directory, "node_modules", name, "bin")
  if (!existsSync(bin)) {
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, "package.json"), "{}")
    execFileSync("npm", ["install", "--silent", "--ignore-scripts", `${name}@${version}`], { cwd: directory })
  }
  return bin
}

execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" })
const [own] = process.versions.node.split(".")
for (const version of process.argv.length > 2 ? process.argv.slice(2) : VERSIONS) {
  if (version === own) {
    console.log(`Node ${version}: npm test runs on it`)
    continue
  }
  const bin = install(version)
  console.log(`Node ${execFileSync(join(bin, "node"), ["--version"], { encoding: "utf8" }).trim()}`)
  for (const { env, suites } of runsOf(version)) {
    const { status } = spawnSync(join(bin, "node"), ["test/run.mjs", "--silent=true", ...suites], {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, PORTS_TEST_BUILT: "1", ...env }
    })
    if (status !== 0) process.exit(status ?? 1)
  }
}
