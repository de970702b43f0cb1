import { readFileSync } from "node:fs"
import { readOr } from "./readOr.ts"

/** A TCP socket in LISTEN, as the kernel's table has it. */
export interface Socket {
  readonly port: number
  readonly address: string
  readonly uid: number
  readonly inode: string
  /** Connections that wait to be accepted. */
  readonly queue: number
}

const LISTEN = "0A"

/** The kernel writes an address as words in the machine's own byte order, which is little-endian on all we run on. */
const address = (hex: string): string => {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join(".")
  const groups = bytes.flatMap((byte, at) =>
    at % 2 === 0 ? [Number.parseInt(byte + bytes[at + 1], 16).toString(16)] : []
  )
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1)
}

/** The listening sockets in the text of /proc/net/tcp or tcp6 (proc_net_tcp(5) of the kernel's documentation). */
export const parseSocketTable = (text: string): ReadonlyArray<Socket> =>
  text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local = "", , state, queues = "", , , uid, , inode = ""] = line.trim().split(/\s+/)
      if (state !== LISTEN) return []
      const queue = Number.parseInt(queues.split(":")[1] ?? "0", 16)
      const [host = "", port = ""] = local.split(":")
      return [{ port: Number.parseInt(port, 16), address: address(host), uid: Number(uid), inode, queue }]
    })

const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"]

/** `undefined` where there is no such table: not Linux. */
export const readSockets = (): ReadonlyArray<Socket> | undefined => {
  const texts = TABLES.map((path) => readOr(() => readFileSync(path, "utf8"), undefined)).filter(
    (text) => text !== undefined
  )
  return texts.length === 0 ? undefined : texts.flatMap(parseSocketTable)
}

/** The inode of the socket that is bound to a path, where the kernel has one in LISTEN. */
export const inodeOfPath = (path: string): string | undefined =>
  readOr(() => readFileSync("/proc/net/unix", "utf8"), "")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find((fields) => fields[7] === path && fields[5] === "01")?.[6]
