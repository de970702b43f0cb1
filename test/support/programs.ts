import { spawnSync } from "node:child_process"
import { userInfo } from "node:os"

const missing = (programs: ReadonlyArray<string>): ReadonlyArray<string> =>
  programs.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0)

/** Installs packages of the system, if that is allowed. */
export const install = (packages: ReadonlyArray<string>): void => {
  const sudo = userInfo().uid === 0 ? [] : ["sudo", "-n"]
  const apt = (...words: ReadonlyArray<string>) => {
    const [program = "", ...rest] = [...sudo, "apt-get", ...words]
    return spawnSync(program, rest, {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
    })
  }
  console.log(`installing ${packages.join(" and ")} for the tests`)
  apt("update", "-qq")
  apt("install", "-qy", "--no-install-recommends", ...packages)
}

/** Installs `packages` unless all of `programs` are there; throws if some are missing then. */
export const ensure = (programs: ReadonlyArray<string>, packages: ReadonlyArray<string>): void => {
  if (missing(programs).length === 0) return
  install(packages)
  const still = missing(programs)
  if (still.length > 0) throw new Error(`the tests need ${still.join(", ")}: apt-get install ${packages.join(" ")}`)
}
