import { CommandFailed } from "../domain/CommandFailed.ts"
import { pause } from "../machine/pause.ts"
import { isRunning, processOf } from "../machine/processes.ts"
import { holdsLock } from "../socket/socketLock.ts"
import type { Found } from "./findDaemon.ts"

/** How long a daemon may take to answer what it has taken, and to store what it knows: it gives itself 6 seconds. */
const END_MS = 10_000
const EVERY_MS = 50

/** Whether the daemon still runs: on Linux by its lock, because another process may have got its pid. */
const isThere = ({ path, pid }: Found, uid: number): boolean =>
  process.platform === "linux" ? holdsLock(path, uid, pid) : isRunning(pid)

/** Ends a daemon of this user as SIGTERM does, and waits until it is gone. It is never killed. */
export const endDaemon = async (found: Found, uid: number): Promise<void> => {
  const { path, pid } = found
  if (!isThere(found, uid)) return
  try {
    process.kill(pid, "SIGTERM")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return
    throw error
  }
  for (const over = performance.now() + END_MS; performance.now() < over; await pause(EVERY_MS))
    if (!isThere(found, uid)) return
  // It ends as soon as it goes on.
  const isSuspended = processOf(pid, new Set()).stopped
  throw new CommandFailed({
    code: "unavailable",
    message: `the daemon at ${path}, pid ${pid}, has not ended within ${END_MS / 1000} s${isSuspended ? ": it is suspended" : ""}`,
    hint: `kill -${isSuspended ? "CONT" : "9"} ${pid}`
  })
}
