import type { Listener } from "../domain/Listener.ts"
import { ownersOf, processOf, readUsers } from "./processes.ts"
import { readSockets, type Socket } from "./procNetTcp.ts"

/** Returns the listeners that sockets are: with their users, and their processes as far as this user may inspect them. */
export const owned = async (sockets: ReadonlyArray<Socket>): Promise<ReadonlyArray<Listener>> => {
  if (sockets.length === 0) return []
  const owners = await ownersOf(new Set(sockets.map((socket) => socket.inode)))
  const { homes, names } = readUsers()
  const processes = new Map([...new Set(owners.values())].map((pid) => [pid, processOf(pid, homes)]))
  return sockets.map(({ inode, uid, ...socket }) => ({
    ...socket,
    user: names.get(uid) ?? `uid ${uid}`,
    process: processes.get(owners.get(inode) ?? 0) ?? null,
    container: null
  }))
}

/** Returns the listeners on `port`; undefined if this system does not show them. */
export const listenersOn = async (port: number): Promise<ReadonlyArray<Listener> | undefined> => {
  const sockets = readSockets()
  return sockets && owned(sockets.filter((socket) => socket.port === port))
}
