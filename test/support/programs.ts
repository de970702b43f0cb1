import { spawnSync } from "node:child_process"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"

const missing = (programs: ReadonlyArray<string>): ReadonlyArray<string> =>
  programs.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0)

/**
 * Installs packages of the system, if that is allowed, one call at a time: apt-get does not wait for another one that reads the
 * lists of packages. What is installed already stays as it is. Only a failure is shown.
 */
export const install = (packages: ReadonlyArray<string>): void => {
  console.log(`installing ${packages.join(" and ")} for the tests`)
  const script = 'apt-get update -qq; exec apt-get install -qy --no-install-recommends --no-upgrade "$@"'
  const sudo = userInfo().uid === 0 ? [] : ["sudo", "-n"]
  const [program = "", ...rest] = [
    ...sudo,
    ...["env", "DEBIAN_FRONTEND=noninteractive"],
    ...["flock", join(tmpdir(), "ports-test-apt.lock")],
    ...["sh", "-c", script, "sh", "-o", "DPkg::Lock::Timeout=300", ...packages]
  ]
  const { status, stderr, stdout } = spawnSync(program, rest, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" })
  if (status !== 0) console.log(`${stdout}${stderr}`)
}

/** Installs `packages` unless all of `programs` are there; throws if some are missing then. */
export const ensure = (programs: ReadonlyArray<string>, packages: ReadonlyArray<string>): void => {
  if (missing(programs).length === 0) return
  install(packages)
  const still = missing(programs)
  if (still.length > 0) throw new Error(`the tests need ${still.join(", ")}: apt-get install ${packages.join(" ")}`)
}
