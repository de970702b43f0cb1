import { lstatSync, readFileSync } from "node:fs"
import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { tryRead } from "../machine/tryRead.ts"
import { shellWord } from "../text/shell.ts"
import { fingerprintBy, fingerprintOf } from "./configFingerprint.ts"
import { requestOnce } from "./daemonClient.ts"
import { clientPaths, currentUid, isOwnSystemPath, theirPaths } from "./socketPath.ts"

/** How long what serves a socket has to say that it is a daemon of d, in milliseconds. */
const LIMIT_MS = 500

/** Whether a process listens at `path`, by the kernel's table, which has the sockets of all users. */
const isListed = (path: string): boolean =>
  tryRead(() => readFileSync("/proc/net/unix", "latin1"), "").includes(` ${path}\n`)

/** Whether a socket is at `path`, which may be in a directory that this user may not enter. */
const isThere = (path: string): boolean => {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES" && isListed(path)
  }
}

const isDefault = (environment: Environment): boolean => {
  const registry = fingerprintOf(environment)
  return (
    typeof registry !== "string" && registry.databaseUrl === fingerprintBy(() => undefined, environment).databaseUrl
  )
}

/**
 * Returns why this registry may assign ports that another one on this machine has assigned, if one is served at a socket that
 * clients try: another program's, as the AutomateLinux daemon's, or one that this user may not use. The hint has the ways
 * out. A registry whose database is configured is meant to be another one, or the same.
 */
export const otherRegistry = async (environment: Environment): Promise<CommandError | undefined> => {
  const uid = currentUid()
  const paths = [...theirPaths(environment, uid), ...clientPaths(environment, uid).filter(isOwnSystemPath)]
  const there = paths.filter(isThere)
  if (there.length === 0 || !isDefault(environment)) return undefined
  for (const path of there) {
    const reply = await requestOnce(path, "ping", environment, LIMIT_MS, true)
    const isClosed = reply._tag === "NoDaemon" && ["EACCES", "EPERM"].includes(reply.why)
    if (!isClosed && !(reply._tag === "NoDaemon" && reply.why === "another program")) continue
    const share = "set AUTOMATELINUX_DATABASE_URL to its database"
    return {
      code: "conflict",
      message: `${isClosed ? "a daemon that you may not use" : "another daemon"} serves ${shellWord(path)}, with ports that this registry does not know`,
      hint: isOwnSystemPath(path)
        ? `${share}, or have its owner set AUTOMATELINUX_SOCKET_GROUP`
        : `${share}, or put d in front of it with AUTOMATELINUX_FORWARD`
    }
  }
  return undefined
}
