import { readdirSync, readlinkSync } from "node:fs"
import { readSockets } from "../../src/machine/procNetTcp.ts"

/** The pids of the processes that listen on `port`. */
export const listenersOn = (port: number): ReadonlyArray<number> => {
  const inodes = new Set((readSockets() ?? []).filter((socket) => socket.port === port).map(({ inode }) => inode))
  if (inodes.size === 0) return []
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).some((fd) => {
          const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]
          return inode !== undefined && inodes.has(inode)
        })
      } catch {
        return false
      }
    })
    .map(Number)
}
