import { ownersOf, processOf } from "../machine/processes.ts"
import { readSockets } from "../machine/procNetTcp.ts"
import { treeOf } from "./processTree.ts"

/** What a command listens on some time after its start. */
export type Listening =
  /** On its own port. */
  | { readonly _tag: "Own" }
  /** Only on another one. */
  | { readonly _tag: "Other"; readonly port: number; readonly program: string }
  /** It ended, or the time is over, or this system does not show it. */
  | { readonly _tag: "Unknown" }

const EVERY_MS = 200
/** How long a command may listen on other ports alone, before it is called the wrong port: many open several. */
const PATIENCE_MS = 3000
/** How long it is watched. */
const LIMIT_MS = 120_000

/** Returns the ports that each of `pids` listens on, but for the sockets that were there `before`. */
const listenersOf = async (pids: ReadonlyArray<number>, before: ReadonlySet<string>) => {
  const sockets = (readSockets() ?? []).filter(({ inode }) => !before.has(inode))
  const owners = await ownersOf(new Set(sockets.map(({ inode }) => inode)))
  return sockets.flatMap(({ inode, port }) => {
    const pid = owners.get(inode)
    return pid !== undefined && pids.includes(pid) ? [{ pid, port }] : []
  })
}

/** Describes processes: `node, pid 4711, on 3001`. */
export const describeAll = async (pids: ReadonlyArray<number>): Promise<ReadonlyArray<string>> => {
  const listeners = pids.length === 0 ? [] : await listenersOf(pids, new Set())
  return pids.map((pid) => {
    const ports = [...new Set(listeners.flatMap((each) => (each.pid === pid ? each.port : [])))]
    const command = processOf(pid, new Set()).command ?? "a process"
    return [command, `pid ${pid}`, ...(ports.length === 0 ? [] : [`on ${ports.join(" and ")}`])].join(", ")
  })
}

/** Watches which port the processes of a command listen on, until it is `port`, or certainly another one. */
export const watchPort = async (
  root: number,
  mark: string,
  port: number,
  isOver: () => boolean
): Promise<Listening> => {
  const first = readSockets()
  if (first === undefined) return { _tag: "Unknown" }
  const before = new Set(first.map(({ inode }) => inode))
  const began = performance.now()
  let otherSince: number | undefined
  while (!isOver() && performance.now() - began < LIMIT_MS) {
    await new Promise((done) => setTimeout(done, EVERY_MS).unref())
    const fresh = (readSockets() ?? []).filter(({ inode }) => !before.has(inode))
    // The port was free before, so what listens on it now is the command.
    if (fresh.some((socket) => socket.port === port)) return { _tag: "Own" }
    if (fresh.length === 0) continue
    const others = await listenersOf(await treeOf(root, mark), before)
    const [other] = others
    if (other === undefined) {
      otherSince = undefined
      continue
    }
    otherSince ??= performance.now()
    if (performance.now() - otherSince >= PATIENCE_MS) {
      const program = processOf(other.pid, new Set()).command ?? "it"
      return { _tag: "Other", port: other.port, program }
    }
  }
  return { _tag: "Unknown" }
}
