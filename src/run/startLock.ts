import { baseOf, bind, holderOfBase, USUAL } from "../machine/abstractSocket.ts"
import { pause } from "../machine/pause.ts"
import { parentOf } from "../machine/processes.ts"

/** How long a command keeps others from starting on its port, if it does not listen. Some never do. */
const STARTING_MS = 30_000
/** How long others wait at most, for a run that was suspended meanwhile. */
const WAIT_MAX_MS = STARTING_MS + 5000
const EVERY_MS = 50
/** How often to find the run that holds the lock, which reads the tables of all processes. */
const LOOK_MS = 1000

/** Whether this process was started by `pid`, directly or not. */
const isInside = (pid: number): boolean => {
  for (let current = process.ppid; current > 0; current = parentOf(current)) if (current === pid) return true
  return false
}

/** Takes the lock; `undefined` if it is held, and `forbidden` if there are no abstract sockets, or a sandbox forbids them. */
const take = async (name: string): Promise<(() => void) | "forbidden" | undefined> => {
  if (process.platform !== "linux") return "forbidden"
  const server = await bind(name).catch(() => "forbidden" as const)
  if (server === undefined || server === "forbidden") return server
  const release = () => void server.close()
  setTimeout(release, STARTING_MS).unref()
  return release
}

/**
 * Waits until no other run of this user is about to listen on `port`, and has those that come later wait for this one. Between
 * the test of a port and the moment when the command listens on it, a second run would find it free, too. Returns the function
 * to call when the command listens. Without the lock, nobody waits.
 */
export const lockStart = async (
  port: number,
  uid: number,
  tell: (line: string) => Promise<void>
): Promise<() => void> => {
  const base = baseOf(`run:${uid}:${port}`)
  const over = performance.now() + WAIT_MAX_MS
  let isUnknown = false
  let looks = 0
  for (let lookAt = 0; performance.now() < over; await pause(EVERY_MS)) {
    const taken = await take(base + USUAL)
    if (taken === "forbidden") break
    if (taken !== undefined) return taken
    if (performance.now() < lookAt) continue
    const holder = holderOfBase(base, uid)
    if (holder === undefined) {
      // It was released just now; or else it is a stranger's, which counts for nothing.
      if (isUnknown) break
      isUnknown = true
      continue
    }
    isUnknown = false
    lookAt = performance.now() + LOOK_MS
    // The run around this one waits for this one's server.
    if (isInside(holder)) break
    // At the second look: most commands listen before that.
    if (++looks === 2) await tell(`note: d run, pid ${holder}, is starting this app already; waiting until it listens`)
  }
  return () => {}
}
