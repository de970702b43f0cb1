import { connect, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { temporary } from "./root.ts"

/** What becomes of a COMMIT, by the order in which they come. */
export type Fate =
  | "pass"
  /** The connection is cut before the server hears of it. */
  | "before"
  /** The server commits, and its answer never arrives. */
  | "after"
  /** The client is told of an error by this number, as a proxy tells of a server that it has lost. */
  | { readonly errno: number; readonly committed: boolean }

/** The packet with which a server, or who speaks for it, answers with an error. */
const errorPacket = (errno: number): Buffer => {
  const body = Buffer.concat([Buffer.from([0xff, errno & 255, errno >> 8]), Buffer.from("#HY000Lost connection")])
  return Buffer.concat([Buffer.from([body.length, 0, 0, 1]), body])
}

/** Alone, to MySQL behind the number of its attributes, or at the end of what is written. */
const COMMITS = ["\u0003COMMIT", "\u0003\0\u0001COMMIT", "; COMMIT"]

/**
 * A way to the database server at `target`: `relay` says what becomes of what each side sends. One side that ends takes
 * the other along. Answers the port.
 */
const wayTo = async (target: string, relay: (client: Socket, upstream: Socket) => void): Promise<number> => {
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => {
        open.delete(socket)
        client.destroy()
        upstream.end()
      })
    }
    relay(client, upstream)
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  onTestFinished(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return (server.address() as { port: number }).port
}

/**
 * A way to a database server that cuts connections exactly at COMMIT. Once `fates` is used up all pass, or, where it
 * ends with "gone", nobody is let in any more.
 */
export const commitProxy = (target: string, fates: ReadonlyArray<Fate | "gone">): Promise<number> => {
  let commits = 0
  let gone = false
  return wayTo(target, (client, upstream) => {
    if (gone) {
      client.destroy()
      return
    }
    let mute = false
    let instead: (() => void) | undefined
    client.on("data", (chunk) => {
      if (!COMMITS.some((end) => chunk.toString("latin1").endsWith(end))) {
        upstream.write(chunk)
        return
      }
      const fate = fates[commits++] ?? "pass"
      if (fates[commits] === "gone") gone = true
      if (fate === "before") {
        // As if the machine had crashed: the server finds the connection gone and rolls back.
        upstream.destroy()
        client.destroy()
        return
      }
      mute = fate === "after"
      if (typeof fate === "object") {
        instead = () => {
          client.end(errorPacket(fate.errno))
          upstream.destroy()
        }
        if (!fate.committed) return instead()
      }
      upstream.write(chunk)
    })
    upstream.on("data", (chunk) => {
      if (instead !== undefined) instead()
      else if (mute) client.destroy()
      else client.write(chunk)
    })
  })
}

/** The path of a socket on which a server takes connections and says nothing. */
export const silentServer = async (): Promise<string> => {
  const server = createServer(() => {})
  const path = join(temporary(), "silent")
  await new Promise<void>((done) => server.listen(path, () => done()))
  onTestFinished(() => void server.close())
  return path
}

/**
 * A way to a database server on which, once, something else happens than that its `chunk`th answer arrives: the
 * connection is cut, or garbage comes.
 */
export const brokenAt = async (
  target: string,
  chunk: number,
  how: "cut" | "garbage"
): Promise<{ readonly port: number; readonly broke: () => boolean }> => {
  let answers = 0
  const port = await wayTo(target, (client, upstream) => {
    client.on("data", (data) => upstream.write(data))
    upstream.on("data", (data) => {
      if (++answers !== chunk) client.write(data)
      else if (how === "cut") client.destroy()
      else client.write(Buffer.alloc(64, 0xff))
    })
  })
  return { port, broke: () => answers >= chunk }
}

/**
 * A way to a database server on which, once, the `chunk`th thing that a client sends arrives only when `meanwhile` is
 * over.
 */
export const heldAt = async (
  target: string,
  chunk: number,
  meanwhile: () => Promise<unknown>
): Promise<{ readonly port: number; readonly held: () => boolean }> => {
  let sent = 0
  const port = await wayTo(target, (client, upstream) => {
    let before: Promise<unknown> = Promise.resolve()
    client.on("data", (data) => {
      if (++sent === chunk) before = before.then(meanwhile)
      before = before.then(() => upstream.write(data))
    })
    upstream.on("data", (data) => client.write(data))
  })
  return { port, held: () => sent >= chunk }
}

/** What becomes of a request to a daemon, once that has said who it is. */
export type RequestFate =
  | "pass"
  /** The daemon answers, and its reply never arrives. */
  | "lost"
  /** The daemon never hears of it. */
  | "never"

/**
 * A way to the daemon at `target` that loses what `fateOf` says. `meanwhile` is done before a client is told of a loss,
 * and `greeted` when the daemon has told one who it is.
 */
export const replyProxy = async (
  target: string,
  fateOf: () => RequestFate,
  meanwhile: () => Promise<unknown> = async () => {},
  greeted: () => void = () => {}
): Promise<string> => {
  const path = join(temporary(), "proxy.sock")
  const server = createServer((client) => {
    const daemon = connect(target)
    for (const socket of [client, daemon]) socket.on("error", () => {})
    daemon.on("close", () => client.destroy())
    client.on("close", () => daemon.destroy())
    let lines = 0
    let fate: RequestFate = "pass"
    client.on("data", (chunk) => {
      // The first line asks who the daemon is.
      if (++lines > 1) fate = fateOf()
      if (fate === "never") client.destroy()
      else daemon.write(chunk)
    })
    daemon.on("data", (chunk) => {
      if (fate === "lost") void meanwhile().finally(() => client.destroy())
      else client.write(chunk)
      if (lines === 1) greeted()
    })
  })
  await new Promise<void>((done) => server.listen(path, done))
  onTestFinished(() => void server.close())
  return path
}
