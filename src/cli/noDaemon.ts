import type { DaemonCommand } from "../commands/commands.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { type DaemonReply, daemonAllowed } from "../socket/daemonClient.ts"
import { currentUid, deniedSocket, serverPath, untrustedSocket } from "../socket/socketPath.ts"

/** Returns the error if `ping` or `status` got no reply. Names the pid of a daemon that is running but unreachable. */
export const noDaemon = async (
  environment: Environment,
  reply: Exclude<DaemonReply<DaemonCommand>, { _tag: "Reply" }>
): Promise<CommandError> => {
  const unavailable = (message: string, hint: string): CommandError => ({ code: "unavailable", message, hint })
  if (reply._tag === "NoDaemon" && reply.place !== undefined) return untrustedSocket(reply.path, reply.place)
  if (!daemonAllowed(environment))
    return unavailable("the daemon is not used: AUTOMATELINUX_DAEMON is never", "unset AUTOMATELINUX_DAEMON")
  const path = reply._tag === "NoDaemon" ? reply.path : serverPath(environment, currentUid())
  const { holderOf, silent, unreachable } = await import("../socket/socketLock.ts")
  if (reply._tag === "Lost" || reply.why === "silent") return { code: "unavailable", ...silent(path) }
  const pid = holderOf(path, currentUid())
  if (pid !== undefined) return { code: "unavailable", ...unreachable(path, pid) }
  const doctor = "d doctor --check daemon-running says what to do"
  switch (reply.why) {
    case "another program":
      return unavailable(`the program at ${path} is not a daemon of d`, doctor)
    case "EACCES":
    case "EPERM":
      return deniedSocket(path)
    default:
      return unavailable(`no daemon answers at ${path}`, "d daemon start")
  }
}
