import { isAbsolute, join } from "node:path"

/** Where the service's socket lies. Only the environment says it, never a file; nothing is imported that starts slowly. */

type Environment = Readonly<Record<string, string | undefined>>

const SYSTEM = "/run/automatelinux/automatelinux-daemon.sock"
const NAME = "automatelinux/automatelinux-daemon.sock"

/** The path that a daemon of this user serves. */
export const serverPath = (environment: Environment, uid: number): string => {
  const given = environment["AUTOMATE_LINUX_SOCKET_PATH"]
  if (given) return given
  if (uid === 0) return SYSTEM
  const runtime = environment["XDG_RUNTIME_DIR"]
  return runtime !== undefined && isAbsolute(runtime)
    ? join(runtime, NAME)
    : `/tmp/automatelinux-${uid}/automatelinux-daemon.sock`
}

/** The paths that a client tries, in this order. */
export const clientPaths = (environment: Environment, uid: number): ReadonlyArray<string> => {
  const own = serverPath(environment, uid)
  return environment["AUTOMATE_LINUX_SOCKET_PATH"] || own === SYSTEM ? [own] : [own, SYSTEM]
}

export const currentUid = (): number => process.getuid?.() ?? 0
