// Runs the suites of a server on Oracle's MySQL. Debian has a package of it in its unstable suite only, which is unpacked
// aside with every library that it needs: nothing is installed, and apt's own sources stay as they are.
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { userInfo } from "node:os"
import { join, resolve } from "node:path"

const ROOT = resolve("node_modules/.cache/mysql")
const PACKAGES = ["mysql-server-core", "mysql-client-core"]
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
const MIRROR = "http://deb.debian.org/debian"
/** What test harnesses end with if they could not test, so that .ci/run can tell that from a failure. */
const NOT_TESTED = 77

const output = (program, ...words) =>
  execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

/** The mirrors of Debian that this system uses, and the one that any may use. */
const mirrors = () => {
  const sources = output("apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages")
  const own = [...sources.matchAll(/^Debian (\S+?)\/?$/gm)].map(([, uri]) => uri)
  return [...new Set([...own, MIRROR])]
}

/** The configuration of an apt that knows one mirror's unstable suite and nothing of this system but its proxies. */
const configure = (directory, mirror) => {
  const config = join(directory, "apt.conf")
  const sources = join(directory, "sources.list")
  for (const part of ["lists/partial", "archives/partial", "none"])
    mkdirSync(join(directory, part), { recursive: true })
  writeFileSync(sources, `deb [signed-by=${KEYRING}] ${mirror} unstable main\n`)
  const settings = {
    "Dir::Etc::sourcelist": sources,
    "Dir::Etc::parts": join(directory, "none"),
    "Dir::Etc::sourceparts": join(directory, "none"),
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": join(directory, "none"),
    "Dir::State": directory,
    "Dir::State::status": "/dev/null",
    "Dir::Cache": directory,
    "APT::Sandbox::User": userInfo().username,
    "APT::Install-Recommends": "false",
    "APT::Update::Error-Mode": "any",
    "Acquire::Retries": "2"
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`)
  writeFileSync(config, output("apt-config", "dump", "Acquire") + lines.join(""))
  return config
}

/** Downloads the packages, with what they depend on, from `mirror`, and unpacks them into `root`. */
const unpackFrom = (mirror, directory, root) => {
  const env = { ...process.env, APT_CONFIG: configure(directory, mirror) }
  const apt = (...words) => execFileSync("apt-get", ["-qq", ...words], { env, stdio: ["ignore", "ignore", "pipe"] })
  apt("update")
  apt("install", "--yes", "--download-only", ...PACKAGES)
  const archives = readdirSync(join(directory, "archives")).filter((each) => each.endsWith(".deb"))
  for (const name of archives) {
    // Some scripts beside the server are in Perl.
    if (!/^(lib)?perl/.test(name)) execFileSync("dpkg-deb", ["-x", join(directory, "archives", name), root])
  }
  writeFileSync(join(root, "VERSION"), archives.find((name) => name.startsWith(PACKAGES[0])) ?? "")
}

/** Puts the server at ROOT. Throws what was tried, and why it failed. */
const install = () => {
  const tried = []
  for (const mirror of mirrors()) {
    const directory = `${ROOT}.new`
    rmSync(directory, { recursive: true, force: true })
    try {
      unpackFrom(mirror, directory, join(directory, "root"))
      renameSync(join(directory, "root"), ROOT)
      return
    } catch (error) {
      const [line = ""] = /^[EW]: .*/m.exec(String(error.stderr)) ?? [String(error.message).split("\n")[0]]
      tried.push(`${mirror} unstable (${line})`)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
  throw new Error(tried.join(", "))
}

if (!existsSync(ROOT)) {
  try {
    install()
  } catch (error) {
    console.log(`NOT TESTED ON MYSQL: cannot get ${PACKAGES.join(" and ")}: ${error.message}`)
    process.exit(NOT_TESTED)
  }
}
console.log(`MySQL: ${readFileSync(join(ROOT, "VERSION"), "utf8")}`)
const words = ["test/run.mjs", "--config", "test/mysql.config.ts", ...process.argv.slice(2)]
const { status } = spawnSync(process.execPath, words, {
  stdio: ["ignore", "inherit", "inherit"],
  env: { ...process.env, PORTS_TEST_MYSQL: ROOT }
})
process.exit(status ?? 1)
