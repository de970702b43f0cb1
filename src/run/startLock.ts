import { readFileSync } from "node:fs"
import { baseOf, bind, holderOfBase, USUAL } from "../machine/abstractSocket.ts"
import { tryRead } from "../machine/tryRead.ts"

/** How long a command keeps others from starting on its port, if it does not listen. Some never do. */
const STARTING_MS = 30_000
/** How long others wait at most, for a run that was suspended meanwhile. */
const PATIENCE_MS = STARTING_MS + 5000
const EVERY_MS = 50

const parentOf = (pid: number): number => {
  const stat = tryRead(() => readFileSync(`/proc/${pid}/stat`, "latin1"), "")
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0)
}

/** Whether this process was started by `pid`, directly or not. */
const isInside = (pid: number): boolean => {
  for (let current = process.ppid; current > 0; current = parentOf(current)) if (current === pid) return true
  return false
}

/**
 * Waits until no other run of this user is about to listen on `port`, and has those that come later wait for this one. Between
 * the test of a port and the moment when the command listens on it, a second run would find it free, too. Returns the function
 * to call when the command listens. On systems without abstract sockets nobody waits.
 */
export const lockStart = async (
  port: number,
  uid: number,
  tell: (line: string) => Promise<void>
): Promise<() => void> => {
  const none = () => {}
  if (process.platform !== "linux") return none
  const base = baseOf(`run:${uid}:${port}`)
  const over = performance.now() + PATIENCE_MS
  for (let told = false; performance.now() < over; ) {
    const server = await bind(base + USUAL)
    if (server !== undefined) {
      const release = () => void server.close()
      setTimeout(release, STARTING_MS).unref()
      return release
    }
    const holder = holderOfBase(base, uid)
    // A stranger's, which counts for nothing; or that of a run around this one, which waits for this one's server.
    if (holder === undefined || isInside(holder)) return none
    if (!told) await tell(`note: d run, pid ${holder}, is starting this app already; waiting until it listens`)
    told = true
    await new Promise((done) => setTimeout(done, EVERY_MS))
  }
  return none
}
