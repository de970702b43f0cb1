import { execFileSync, spawn, spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync } from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"

const PACKAGES = ["mariadb-server-core", "mariadb-client", "socat", "sqlite3", "strace", "perl-base", "zsh", "dash"]
const PROGRAMS = [
  "mariadbd",
  "mariadb-install-db",
  "my_print_defaults",
  "mariadb",
  "mariadb-dump",
  "socat",
  "sqlite3",
  "strace",
  "perl",
  "zsh",
  "dash"
]

const missing = (): boolean => PROGRAMS.some((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0)

/** Installs packages of the system, where that is allowed. */
export const install = (...packages: ReadonlyArray<string>): void => {
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

/** The tests need a real MariaDB server, and what the documents and fixes tell a user to type. */
const ensureServer = () => {
  if (!missing()) return
  install(...PACKAGES)
  if (missing()) throw new Error(`the tests need ${PROGRAMS.join(", ")}: apt-get install ${PACKAGES.join(" ")}`)
}

/** Ends what still runs in the directory that is its argument, and removes it. */
const REMOVE = `
  trap "" INT TERM HUP
  cat
  for process in /proc/[0-9]*; do
    case $(readlink $process/cwd) in "$0"/*) kill -9 "\${process#/proc/}" ;; esac
  done
  until rm -rf "$0" && sleep 0.5 && [ ! -e "$0" ]; do :; done
`

/**
 * Builds the program that the end-to-end tests run, and makes the one directory that everything a test makes lies in.
 * A process of its own removes it when this one has ended, however it ended: it waits for the end of a pipe.
 */
export default () => {
  process.env["PATH"] = `${process.env["PATH"]}:/usr/sbin:/sbin`
  ensureServer()
  // A run that a test starts finds it built, and must not take it away from under the others.
  if (process.env["PORTS_TEST_ROOT"] === undefined)
    execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" })

  const root = mkdtempSync(join(tmpdir(), "ports-test-"))
  chmodSync(root, 0o755)
  const remover = spawn("bash", ["-c", REMOVE, root], { stdio: ["pipe", "ignore", "ignore"], detached: true })
  remover.unref()
  process.env["PORTS_TEST_ROOT"] = root
  mkdirSync(join(root, "cache"), { mode: 0o700 })

  const template = join(root, "template")
  execFileSync(
    "mariadb-install-db",
    [
      "--no-defaults",
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
      `--datadir=${template}`,
      `--user=${userInfo().username}`
    ],
    // Servers that are made at the same time take each other's temporary tables away.
    { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, TMPDIR: root } }
  )
  return () => {
    remover.stdin.end()
  }
}
