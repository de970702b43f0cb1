import { connect, type Socket } from "node:net"
import { shellWord } from "../text/shell.ts"

/** Hands requests through to the daemon that ours stands in front of. */

/** How long that daemon may take for its list of commands, in milliseconds. */
const LIST_MS = 2000

const away = (path: string, code: string): string =>
  `ERROR: the daemon at ${shellWord(path)} does not answer (${code}), and this command is its own\n`

/**
 * Connects `client` to the daemon at `path`: `sent`, which it has sent so far, and everything after go through as bytes, both
 * ways, for as long as either keeps the connection.
 */
export const handOver = (client: Socket, sent: Buffer, path: string): void => {
  client.pause()
  client.removeAllListeners("data").removeAllListeners("end").removeAllListeners("timeout")
  client.setTimeout(0)
  const other = connect({ path, allowHalfOpen: true })
  let isThere = false
  other.once("connect", () => {
    isThere = true
    other.write(sent)
    client.pipe(other).pipe(client)
  })
  other.once("error", ({ code = "unknown" }: NodeJS.ErrnoException) => {
    if (isThere) client.destroy()
    else client.end(away(path, code), () => client.destroy())
  })
  client.once("close", () => other.destroy())
}

/** Returns the names of the commands of the daemon at `path`; none if it does not answer. */
export const commandsOf = (path: string): Promise<ReadonlyArray<string>> =>
  new Promise((done) => {
    const other = connect({ path, allowHalfOpen: true })
    let text = ""
    const end = (names: ReadonlyArray<string>) => {
      other.destroy()
      done(names)
    }
    other.setEncoding("utf8")
    other.on("data", (chunk: string) => (text += chunk))
    other.once("connect", () => other.write('{"command":"listCommands"}\n'))
    other.once("end", () => end(text.split("\n").filter((name) => name !== "")))
    other.once("error", () => end([]))
    other.setTimeout(LIST_MS, () => end([]))
  })
