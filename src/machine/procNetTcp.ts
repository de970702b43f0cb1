import { closeSync, openSync, readFileSync, readSync } from "node:fs"
import { tryRead } from "./tryRead.ts"

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
const readAddress = (hex: string): string => {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join(".")
  const groups = bytes.flatMap((byte, at) =>
    at % 2 === 0 ? [Number.parseInt(byte + bytes[at + 1], 16).toString(16)] : []
  )
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1)
}

/** A machine has few, and they come again in every line. */
const addresses = new Map<string, string>()

const address = (hex: string): string => {
  const known = addresses.get(hex) ?? readAddress(hex)
  addresses.set(hex, known)
  return known
}

/** The listening sockets in the lines of /proc/net/tcp or tcp6 (proc_net_tcp(5) of the kernel's documentation). */
const parseSocketTable = (lines: ReadonlyArray<string>): ReadonlyArray<Socket> =>
  lines.flatMap((line) => {
    const [, local = "", , state, queues = "", , , uid, , inode = ""] = line.trim().split(/\s+/)
    if (state !== LISTEN) return []
    const queue = Number.parseInt(queues.split(":")[1] ?? "0", 16)
    const [host = "", port = ""] = local.split(":")
    return [{ port: Number.parseInt(port, 16), address: address(host), uid: Number(uid), inode, queue }]
  })

/** The kernel's tables of TCP sockets, and where it says how many there are in each. */
const TABLES = [
  { path: "/proc/net/tcp", counter: "/proc/net/sockstat", count: /^TCP: inuse (\d+)/m },
  { path: "/proc/net/tcp6", counter: "/proc/net/sockstat6", count: /^TCP6: inuse (\d+)/m }
]

/** As much as the kernel hands out at once. */
const PIECE = Buffer.alloc(4096)

/**
 * The lines of a table, without its head, as far as sockets listen.
 *
 * The kernel writes these first. Then, and again where it is asked for more, it goes through the places of all
 * connections that there could be, for 3 ms, however few there are. So nothing is asked for once there are as many
 * lines as there are sockets, or one that is connected.
 */
const readListening = ({ count, counter, path }: (typeof TABLES)[number]): ReadonlyArray<string> => {
  const countSockets = () =>
    Number(count.exec(tryRead(() => readFileSync(counter, "utf8"), ""))?.[1] ?? Number.POSITIVE_INFINITY)
  const file = openSync(path, "r")
  try {
    const lines: Array<string> = []
    let rest = ""
    // Counted again at the end: one that came meanwhile may stand before one that was there already.
    for (let sockets = countSockets(); lines.length <= sockets && sockets > 0; ) {
      const length = readSync(file, PIECE)
      if (length === 0) break
      const found = (rest + PIECE.toString("latin1", 0, length)).split("\n")
      rest = found.pop() ?? ""
      lines.push(...found)
      if (lines.length > 1 && !lines.at(-1)?.includes(` ${LISTEN} `)) break
      if (lines.length > sockets) sockets = countSockets()
    }
    return lines.slice(1)
  } finally {
    closeSync(file)
  }
}

/** `undefined` where there is no such table: not Linux. */
export const readSockets = (): ReadonlyArray<Socket> | undefined => {
  const tables = TABLES.map((table) => tryRead(() => readListening(table), undefined)).filter(
    (lines) => lines !== undefined
  )
  return tables.length === 0 ? undefined : tables.flatMap(parseSocketTable)
}
