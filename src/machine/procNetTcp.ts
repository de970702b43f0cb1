import { closeSync, openSync, readSync } from "node:fs"
import { tryRead } from "./tryRead.ts"

/** A listening TCP socket in the kernel's table. */
export interface Socket {
  readonly port: number
  readonly address: string
  readonly uid: number
  readonly inode: string
  /** Connections waiting to be accepted. */
  readonly queue: number
}

const LISTEN = "0A"

/** Parses an address: words in native byte order, which is little-endian on all supported systems. */
const readAddress = (hex: string): string => {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join(".")
  const groups = bytes.flatMap((byte, at) =>
    at % 2 === 0 ? [Number.parseInt(byte + bytes[at + 1], 16).toString(16)] : []
  )
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1)
}

/** Parsed addresses: a machine has few, and they repeat on every line. */
const addresses = new Map<string, string>()

const address = (hex: string): string => {
  const known = addresses.get(hex) ?? readAddress(hex)
  addresses.set(hex, known)
  return known
}

/** Parses the listening sockets in lines of /proc/net/tcp or tcp6 (proc_net_tcp in the kernel's documentation). */
const parseSocketTable = (lines: ReadonlyArray<string>): ReadonlyArray<Socket> =>
  lines.flatMap((line) => {
    const [, local = "", , state, queues = "", , , uid, , inode = ""] = line.trim().split(/\s+/)
    if (state !== LISTEN) return []
    const queue = Number.parseInt(queues.split(":")[1] ?? "0", 16)
    const [host = "", port = ""] = local.split(":")
    return [{ port: Number.parseInt(port, 16), address: address(host), uid: Number(uid), inode, queue }]
  })

/** The kernel's tables of TCP sockets. */
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"]

/** The most that the kernel returns per read. */
const PIECE = Buffer.alloc(4096)

/** More than the longest line, which has 180 characters. */
const ROOM = 256

/**
 * Reads the lines of a table, without its header, as far as they are of listening sockets.
 *
 * The kernel lists those first. After them, and again on each further read, it scans its whole table of possible
 * connections, which takes 3 ms even if there are few. So reading stops at a line of a connected socket, or once the
 * kernel left room for another line: it fills a read as long as it has lines.
 */
const readListening = (path: string): ReadonlyArray<string> => {
  const file = openSync(path, "r")
  try {
    const lines: Array<string> = []
    let rest = ""
    for (let isMore = true; isMore; ) {
      const length = readSync(file, PIECE)
      const found = (rest + PIECE.toString("latin1", 0, length)).split("\n")
      rest = found.pop() ?? ""
      lines.push(...found)
      const isListening = lines.length === 1 || lines.at(-1)?.includes(` ${LISTEN} `)
      isMore = length > PIECE.length - ROOM && isListening === true
    }
    return lines.slice(1)
  } finally {
    closeSync(file)
  }
}

/** The kernel repeats a line if a socket was opened between two reads: it then counts again from the first one. */
const withoutRepeats = (sockets: ReadonlyArray<Socket>): ReadonlyArray<Socket> => [
  ...new Map(sockets.map((socket) => [`${socket.inode} ${socket.address} ${socket.port}`, socket])).values()
]

/** Reads the listening sockets; `undefined` if there is no such table, as on systems other than Linux. */
export const readSockets = (): ReadonlyArray<Socket> | undefined => {
  const tables = TABLES.map((table) => tryRead(() => readListening(table), undefined)).filter(
    (lines) => lines !== undefined
  )
  return tables.length === 0 ? undefined : withoutRepeats(tables.flatMap(parseSocketTable))
}
