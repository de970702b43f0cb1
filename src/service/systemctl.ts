import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import type { ServiceScope } from "../domain/Service.ts"

/** Runs systemctl, and returns what it prints. Fails with CommandFailed. */
export type Systemctl = (...words: ReadonlyArray<string>) => string

/** Returns the words that tell systemd's programs whose services are meant. */
export const scopeWords = (scope: ServiceScope): ReadonlyArray<string> => (scope === "user" ? ["--user"] : [])

/** Returns the environment in which systemd's programs find the user's manager, as after a login. */
export const withRuntimeDirectory = (environment: Environment, uid: number): Record<string, string | undefined> => ({
  XDG_RUNTIME_DIR: `/run/user/${uid}`,
  ...environment,
  LC_ALL: "C"
})

/** Returns the function that runs systemctl. Fails if no systemd runs here, or none for this user. */
export const systemctlFor = (scope: ServiceScope, environment: Environment, uid: number): Systemctl => {
  if (!existsSync("/run/systemd/system"))
    throw new CommandFailed({
      code: "unavailable",
      message: "no systemd runs on this machine",
      hint: "d daemon start runs the daemon without it"
    })
  const env = withRuntimeDirectory(environment, uid)
  return (...words) => {
    const { error, status, stderr, stdout } = spawnSync("systemctl", [...scopeWords(scope), ...words], {
      env,
      encoding: "utf8"
    })
    if (error === undefined && status === 0) return stdout.trim()
    const said = error?.message ?? stderr.trim().split("\n")[0] ?? ""
    const isAway = /connect to bus/.test(said)
    throw new CommandFailed({
      code: "unavailable",
      message: isAway ? "no systemd runs for this user" : `systemctl ${words.join(" ")} failed: ${said}`,
      hint: isAway ? "log in as this user, rather than by su or sudo, and run it again" : "see journalctl -xe"
    })
  }
}

/** Reads what `systemctl show` prints of several properties. */
export const valuesIn = (shown: string): ReadonlyMap<string, string> =>
  new Map(shown.split("\n").map((line) => [line.split("=", 1)[0] ?? "", line.replace(/^[^=]*=/, "")]))
