// Runs the end-to-end, store and race suites on every version of Node that d supports, other than the one that runs this.
// They come from the npm registry: the packages node-SYSTEM-ARCHITECTURE are Node's own binaries.
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"

const VERSIONS = ["20", "22", "24", "26"]
const SUITES = ["test/e2e/", "test/library/port.test.ts", "test/store/sqlite.test.ts", "test/store/mariadb.test.ts"]
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

const [own] = process.versions.node.split(".")
for (const version of process.argv.length > 2 ? process.argv.slice(2) : VERSIONS) {
  if (version === own) {
    console.log(`Node ${version}: npm test runs on it`)
    continue
  }
  const bin = install(version)
  console.log(`Node ${execFileSync(join(bin, "node"), ["--version"], { encoding: "utf8" }).trim()}`)
  const { status } = spawnSync(
    join(bin, "node"),
    ["node_modules/vitest/vitest.mjs", "run", "--silent=true", ...SUITES],
    {
      stdio: ["ignore", "inherit", "inherit"],
      // Every command as the built program.
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, PORTS_TEST_SPAWN: "1" }
    }
  )
  if (status !== 0) process.exit(status ?? 1)
}
