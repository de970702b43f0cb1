import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"

/** apt-get does not wait for another one that reads the lists of packages. */
const APT_LOCK = join(tmpdir(), "ports-test-apt.lock")

const missing = (programs: ReadonlyArray<string>): ReadonlyArray<string> =>
  programs.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0)

/**
 * Installs packages of the system, if that is allowed, one call at a time. What is installed already stays as it is. Only a
 * failure is shown.
 */
export const install = (packages: ReadonlyArray<string>): void => {
  console.log(`installing ${packages.join(" and ")} for the tests`)
  const script = 'apt-get update -qq; exec apt-get install -qy --no-install-recommends --no-upgrade "$@"'
  const sudo = userInfo().uid === 0 ? [] : ["sudo", "-n"]
  const [program = "", ...rest] = [
    ...sudo,
    ...["env", "DEBIAN_FRONTEND=noninteractive"],
    ...["flock", APT_LOCK],
    ...["sh", "-c", script, "sh", "-o", "DPkg::Lock::Timeout=300", ...packages]
  ]
  const { status, stderr, stdout } = spawnSync(program, rest, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" })
  if (status !== 0) console.log(`${stdout}${stderr}`)
}

/**
 * Unpacks `packages`, and what they depend on as far as this system does not have it, into `directory`: for programs that
 * would start as services if they were installed.
 */
export const unpack = (packages: ReadonlyArray<string>, directory: string): void => {
  if (existsSync(directory)) return
  console.log(`unpacking ${packages.join(" and ")} for the tests`)
  const made = `${directory}.${process.pid}`
  const archives = join(made, "archives")
  mkdirSync(join(archives, "partial"), { recursive: true })
  const settings = [
    `Dir::Cache::archives=${archives}`,
    `APT::Sandbox::User=${userInfo().username}`,
    "Debug::NoLocking=1",
    "APT::Install-Recommends=false"
  ].flatMap((each) => ["-o", each])
  const run = (program: string, ...words: ReadonlyArray<string>) => {
    const { status, stderr, stdout } = spawnSync(program, words, { encoding: "utf8" })
    if (status !== 0) console.log(`${stdout}${stderr}`)
    return status === 0
  }
  const download = () => run("apt-get", ...settings, "-qy", "--reinstall", "--download-only", "install", ...packages)
  const sudo = userInfo().uid === 0 ? [] : ["sudo", "-n"]
  const update = () => run("env", ...sudo, "flock", APT_LOCK, "apt-get", "update", "-qq")
  if (!download() && !(update() && download())) throw new Error(`the tests need the packages ${packages.join(", ")}`)
  for (const name of readdirSync(archives).filter((each) => each.endsWith(".deb")))
    if (!run("dpkg-deb", "-x", join(archives, name), join(made, "root"))) throw new Error(`cannot unpack ${name}`)
  renameSync(join(made, "root"), directory)
  rmSync(made, { recursive: true })
}

/** Installs `packages` unless all of `programs` are there; throws if some are missing then. */
export const ensure = (programs: ReadonlyArray<string>, packages: ReadonlyArray<string>): void => {
  if (missing(programs).length === 0) return
  install(packages)
  const still = missing(programs)
  if (still.length > 0) throw new Error(`the tests need ${still.join(", ")}: apt-get install ${packages.join(" ")}`)
}
