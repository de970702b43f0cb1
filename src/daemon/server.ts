import { lstatSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import type { CommandError } from "../domain/CommandError.ts"
import { type Printed, printed, printedJson } from "../text/printed.ts"

/** What came of a request: a document, the text of it, and what is said beside it. */
export type Outcome =
  | {
      readonly ok: true
      readonly result: unknown
      readonly text: () => Printed | Promise<Printed>
      readonly notes: ReadonlyArray<string>
    }
  | { readonly ok: false; readonly failure: CommandError }

/** A request as it came over the wire. */
export type Request = Readonly<Record<string, unknown>>

export interface Limits {
  /** Bytes of one line. */
  readonly line: number
  readonly connections: number
  /** Milliseconds without a word in either direction, while nothing is being answered. */
  readonly idle: number
}

export const LIMITS: Limits = { line: 65_536, connections: 1024, idle: 60_000 }

/** A client that does not read is not read from either, once so many bytes wait for it. */
const WRITE_HIGH_WATER_MARK = 262_144

/** How long a client may keep a connection that is over. */
const CLOSE_TIMEOUT_MS = 2000

/** How the deployed clients know a failure. */
const plainFailure = ({ code, message }: CommandError): Printed =>
  printed([
    ["not-set", "not-found", "missing-argument", "unknown-command"].includes(code) ? message : `ERROR: ${message}`
  ])

const reply = (version: string, id: unknown, outcome: Outcome): Printed => {
  const notes = outcome.ok && outcome.notes.length > 0 ? outcome.notes : undefined
  const body = outcome.ok
    ? { ok: true, version, result: outcome.result, notes }
    : { ok: false, version, error: outcome.failure }
  return printedJson(id === undefined ? body : { ...body, id })
}

const parse = (line: string): Request | undefined => {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Request) : undefined
  } catch {
    return undefined
  }
}

/** Waits until `socket` has sent what it holds, or is gone. */
const drained = (socket: Socket): Promise<void> =>
  new Promise((done) => {
    const end = () => {
      socket.off("drain", end).off("close", end)
      done()
    }
    socket.on("drain", end).on("close", end)
  })

/**
 * One client: its lines are answered one after the other, in their order. A plain request is the last one, whatever
 * follows it; a request with `"format":"json"` leaves the connection open.
 */
const handleConnection = (
  socket: Socket,
  respond: (request: Request) => Promise<Outcome>,
  version: string,
  limits: Limits
) => {
  let pending: Buffer = Buffer.alloc(0)
  const lines: Array<string> = []
  let busy = false
  let answering = false
  let closing = false
  let ended = false

  const send = (text: Printed) => {
    if (socket.writable) socket.write(`${text}\n`)
  }
  const forget = () => {
    closing = true
    lines.length = 0
    pending = Buffer.alloc(0)
  }
  const close = (text?: Printed) => {
    forget()
    // Who has read it all and does not leave is not waited for; what it still sends is read, and dropped.
    if (socket.writable)
      socket.end(text === undefined ? "" : text.endsWith("\n") ? text : `${text}\n`, () => {
        const linger = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS).unref()
        socket.once("close", () => clearTimeout(linger))
      })
  }

  const answer = async (line: string) => {
    const request = parse(line)
    if (request === undefined) return send(printed(["ERROR: Invalid JSON"]))
    if (typeof request["id"] === "object" && request["id"] !== null) {
      const failure: CommandError = {
        code: "invalid",
        message: "id is no scalar: write text, a number, true, false or null",
        hint: "leave it out"
      }
      return send(reply(version, undefined, { ok: false, failure }))
    }
    const outcome = await respond(request)
    if (request["format"] === "json") return send(reply(version, request["id"], outcome))
    close(outcome.ok ? await outcome.text() : plainFailure(outcome.failure))
  }

  const work = async () => {
    if (busy) return
    busy = true
    for (let line = lines.shift(); line !== undefined && !closing; line = lines.shift()) {
      // Nothing more is begun for a client that has gone, which a reply that cannot be written shows at once. One that has
      // only closed its sending half is still written to.
      if (!socket.writable) return forget()
      answering = true
      if (line.trim() !== "") await answer(line).catch(() => close())
      answering = false
      if (socket.writable && socket.writableLength > WRITE_HIGH_WATER_MARK) await drained(socket)
    }
    busy = false
    if (ended && !closing) close()
    else if (!closing && socket.isPaused()) socket.resume()
  }

  socket.on("data", (chunk: Buffer) => {
    if (closing) return
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    for (let at = pending.indexOf(10); at !== -1; at = pending.indexOf(10)) {
      if (at > limits.line) return close(printed(["ERROR: Line too long"]))
      lines.push(pending.toString("utf8", 0, at))
      pending = pending.subarray(at + 1)
    }
    if (pending.length > limits.line) return close(printed(["ERROR: Line too long"]))
    void work()
    // What is answered comes before what is read: a client that writes without end does not fill our memory.
    if (lines.length > 0) socket.pause()
  })
  socket.on("end", () => {
    ended = true
    if (pending.length > 0) lines.push(pending.toString("utf8"))
    pending = Buffer.alloc(0)
    void work()
  })
  socket.setTimeout(limits.idle)
  socket.on("timeout", () => {
    // Who waits for an answer is not idle: told that it is, it would not know of what is done for it.
    if (answering) {
      socket.setTimeout(limits.idle)
      return
    }
    close(printed(["ERROR: Idle timeout"]))
    // One that does not even read that.
    setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS).unref()
  })
  // A client that vanishes disturbs nobody.
  socket.on("error", () => socket.destroy())

  return {
    /** Ends when what was asked is answered. */
    finish: () => {
      ended = true
      void work()
    }
  }
}

/** A service on `path` for lines of JSON. */
export interface Service {
  /** Whether the socket at `path` is the one that was made here. */
  readonly isThere: () => boolean
  /** Makes the socket again, for one that was removed: `path` must be free. Clients that are connected stay. */
  readonly remake: () => Promise<void>
  /** Takes no more clients, answers what was asked, and ends within `patience` milliseconds. */
  readonly stop: (patience: number) => Promise<void>
}

/** The inode at `path`, `undefined` if there is none that can be seen. */
const inodeOf = (path: string): string | undefined => {
  try {
    const { dev, ino } = lstatSync(path)
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

/** Listens on `path`, which must be free. `respond` never rejects. */
export const serve = async (
  path: string,
  respond: (request: Request) => Promise<Outcome>,
  version: string,
  limits: Limits = LIMITS
): Promise<Service> => {
  const clients = new Map<Socket, ReturnType<typeof handleConnection>>()
  const welcome = (socket: Socket) => {
    if (clients.size >= limits.connections) {
      socket.on("error", () => socket.destroy())
      socket.end("ERROR: Too many connections\n", () => socket.destroy())
      return
    }
    clients.set(socket, handleConnection(socket, respond, version, limits))
    socket.once("close", () => clients.delete(socket))
  }
  let made: string | undefined
  const listen = () =>
    new Promise<Server>((done, fail) => {
      const server = createServer({ allowHalfOpen: true }, welcome)
      server.once("error", fail)
      // The socket is its owner's alone from its first moment.
      const umask = process.umask(0o177)
      server.listen(path, () => {
        server.off("error", fail)
        done(server)
      })
      process.umask(umask)
      // As long as this process has it open, no other file gets its inode.
      if (server.listening) made = inodeOf(path)
    })

  let server = await listen()
  /** When a server is closed, Node removes what is at its path, whatever that is by then. */
  const close = () => {
    const there = inodeOf(path)
    if (there === undefined || there === made) server.close()
    else server.unref()
  }
  return {
    isThere: () => made !== undefined && inodeOf(path) === made,
    remake: async () => {
      close()
      made = undefined
      server = await listen()
    },
    stop: async (patience) => {
      close()
      const gone = Promise.all([...clients.keys()].map((socket) => new Promise((done) => socket.once("close", done))))
      const force = setTimeout(() => {
        for (const socket of clients.keys()) socket.destroy()
      }, patience)
      for (const client of clients.values()) client.finish()
      await gone
      clearTimeout(force)
    }
  }
}
