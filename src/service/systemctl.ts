import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import type { ServiceScope } from "../domain/Service.ts"

/** A failure of `d service`. */
export class ServiceFailed extends Error {
  readonly error: CommandError
  constructor(error: CommandError) {
    super(error.message)
    this.error = error
  }
}

const RUN_BY_HAND = "run d daemon by what starts services here: docs/service.md says how"

/** Runs systemctl, and returns what it prints; fails if it fails, unless it only answers a question. */
export type Systemctl = (words: ReadonlyArray<string>, isQuestion?: boolean) => string

/** Returns the words by which systemd's programs are told whose services are meant. */
export const scopeWords = (scope: ServiceScope): ReadonlyArray<string> => (scope === "user" ? ["--user"] : [])

/** Returns the environment in which systemd's programs find the user's manager, as after a login. */
export const withRuntimeDirectory = (environment: Environment, uid: number): Record<string, string | undefined> => ({
  XDG_RUNTIME_DIR: `/run/user/${uid}`,
  ...environment,
  LC_ALL: "C"
})

/** Returns what runs systemctl, or fails if no systemd runs here. */
export const systemctlFor = (scope: ServiceScope, environment: Environment, uid: number): Systemctl => {
  if (!existsSync("/run/systemd/system"))
    throw new ServiceFailed({ code: "unavailable", message: "no systemd runs on this machine", hint: RUN_BY_HAND })
  const env = withRuntimeDirectory(environment, uid)
  return (words, isQuestion = false) => {
    const { error, status, stderr, stdout } = spawnSync("systemctl", [...scopeWords(scope), ...words], {
      env,
      encoding: "utf8"
    })
    if (error === undefined && (status === 0 || isQuestion)) return stdout.trim()
    const said = error?.message ?? stderr.trim().split("\n")[0] ?? ""
    const isAway = /connect to bus/.test(said)
    throw new ServiceFailed({
      code: "unavailable",
      message: isAway ? "no systemd runs for this user" : `systemctl ${words.join(" ")} failed: ${said}`,
      hint: isAway ? "log in as this user, rather than by su or sudo, and run it again" : "journalctl -xe may say more"
    })
  }
}
