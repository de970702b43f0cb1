import type { Socket } from "node:net"
import type { CommandError } from "../domain/CommandError.ts"
import { type Printed, printed, printedJson } from "../text/printed.ts"
import { handOver } from "./forward.ts"
import { makeLines, NEWLINE, type Spare } from "./lines.ts"

/** The answer to a request: a result with its text and notes, or an error. */
export type Answered =
  | {
      readonly ok: true
      readonly result: unknown
      readonly text: () => Printed | Promise<Printed>
      readonly notes: ReadonlyArray<string>
    }
  | { readonly ok: false; readonly failure: CommandError }

/** How a request is handled. */
export type Outcome =
  | Answered
  /** It is for the daemon that ours stands in front of, or else answered like that. */
  | { readonly ok: "elsewhere"; readonly otherwise: Answered }

/** A request as it came over the wire. */
export type Request = Readonly<Record<string, unknown>>

export interface Limits {
  /** Bytes of one line. */
  readonly line: number
  /** Bytes by which the lines of all connections together may be longer: an import is one line. */
  readonly long: number
  readonly connections: number
  /** Milliseconds without a byte in either direction while no reply is pending. */
  readonly idle: number
}

/** Once this many bytes are waiting for a client to read them, no more requests are read from it. */
const WRITE_HIGH_WATER_MARK = 262_144

/** How long a client may keep a connection that has been closed, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2000

/** How many pieces of nothing but blank lines are handed over: more say nothing. */
const BLANKS_MAX = 64

const isBlank = (bytes: Buffer): boolean => bytes.toString("latin1").trim() === ""

/** Formats an error as the deployed clients expect it. */
const plainError = ({ code, hint, message }: CommandError): Printed => {
  if (["not-set", "not-found", "missing-argument", "unknown-command"].includes(code)) return printed([message])
  // A plain reply has no room for a hint, but for the one that its client cannot guess.
  return printed([`ERROR: ${message}${hint.includes("--force") ? '; to insist, add "force":"true"' : ""}`])
}

const jsonReply = (version: string, id: unknown, outcome: Answered): Printed => {
  const notes = outcome.ok && outcome.notes.length > 0 ? outcome.notes : undefined
  const body = outcome.ok
    ? { ok: true, version, result: outcome.result, notes }
    : { ok: false, version, error: outcome.failure }
  return printedJson(id === undefined ? body : { ...body, id })
}

/** Returns the request that a line is: `invalid` if it is not JSON, `no object` if it is JSON of another kind. */
const parse = (line: string): Request | "invalid" | "no object" => {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Request) : "no object"
  } catch {
    return "invalid"
  }
}

/** Waits until `socket` has sent its buffer, or is closed. */
const drained = (socket: Socket): Promise<void> =>
  new Promise((done) => {
    const end = () => {
      socket.off("drain", end).off("close", end)
      done()
    }
    socket.on("drain", end).on("close", end)
  })

/**
 * Answers the lines of one client in order. A plain request is the last one, whatever follows it; a request with
 * `"format":"json"` leaves the connection open. If the first request is for the daemon at `forward`, that one gets the
 * connection.
 */
export const handleConnection = (
  socket: Socket,
  respond: (request: Request) => Promise<Outcome>,
  version: string,
  limits: Limits,
  spare: Spare,
  forward?: string
) => {
  const input = makeLines(limits.line, spare)
  const lines: Array<string> = []
  let busy = false
  let answering = false
  let closing = false
  let ended = false
  /** Whether the lines are followed by one that is too long. Nothing is read from then on. */
  let isTooLong = false
  /** All that was received, as long as the connection may be for the other daemon. */
  let received: Array<Buffer> | undefined = forward === undefined ? undefined : []
  /** Whether that ends in the middle of a line with more than blanks. */
  let isLineOpen = false
  let isHandedOver = false

  const send = (text: Printed) => {
    if (socket.writable) socket.write(`${text}\n`)
  }
  const drop = () => {
    closing = true
    lines.length = 0
    input.forget()
  }
  const close = (text?: Printed) => {
    drop()
    socket.resume()
    // Destroy the socket if the client does not close it in time; until then drain and ignore its input.
    if (socket.writable)
      socket.end(text === undefined ? "" : text.endsWith("\n") ? text : `${text}\n`, () => {
        const timeout = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS).unref()
        socket.once("close", () => clearTimeout(timeout))
      })
  }

  /** Keeps what comes before the first request is answered: one line, and a limited number of blank ones. */
  const keep = (chunk: Buffer) => {
    if (received === undefined) return
    if (isLineOpen || !isBlank(chunk) || received.length < BLANKS_MAX) received.push(chunk)
    const end = chunk.lastIndexOf(NEWLINE)
    isLineOpen = (end === -1 && isLineOpen) || !isBlank(chunk.subarray(end + 1))
  }

  /** Hands the connection over, if this is the first request. */
  const passOn = (): boolean => {
    if (forward === undefined || received === undefined) return false
    closing = true
    isHandedOver = true
    lines.length = 0
    input.forget()
    handOver(socket, Buffer.concat(received), forward)
    received = undefined
    return true
  }

  const answer = async (line: string) => {
    const request = parse(line)
    if (request === "invalid") return send(printed(["ERROR: Invalid JSON"]))
    // As the deployed daemon does, which takes such a line for a request.
    if (request === "no object") return close(printed(["ERROR: Invalid JSON"]))
    if (typeof request["id"] === "object" && request["id"] !== null) {
      const failure: CommandError = {
        code: "invalid",
        message: '"id" must be a string, number, boolean or null',
        hint: "leave it out"
      }
      return send(jsonReply(version, undefined, { ok: false, failure }))
    }
    const found = await respond(request)
    if (found.ok === "elsewhere" && passOn()) return
    const outcome = found.ok === "elsewhere" ? found.otherwise : found
    if (request["format"] === "json") return send(jsonReply(version, request["id"], outcome))
    close(outcome.ok ? await outcome.text() : plainError(outcome.failure))
  }

  const answerAll = async () => {
    for (let line = lines.shift(); line !== undefined && !closing; line = lines.shift()) {
      // Start nothing for a client that is gone, which a reply that cannot be written shows at once. One that has only
      // closed its sending half is still written to.
      if (!socket.writable) return drop()
      if (line.trim() === "") continue
      answering = true
      await answer(line).catch(() => close())
      answering = false
      // The connection is ours from the first request on.
      received = undefined
      if (socket.writable && socket.writableLength > WRITE_HIGH_WATER_MARK) await drained(socket)
    }
  }

  const work = async () => {
    if (busy) return
    busy = true
    await answerAll()
    busy = false
    if (closing) return
    // None of our commands is that long.
    if (isTooLong) return passOn() ? undefined : close(printed(["ERROR: Line too long"]))
    if (ended) close()
    else if (socket.isPaused()) socket.resume()
  }

  socket.on("data", (chunk: Buffer) => {
    if (closing) return
    keep(chunk)
    const added = input.add(chunk)
    lines.push(...added.lines)
    isTooLong = added.isTooLong
    void work()
    // Backpressure: stop reading until the queued lines are answered.
    if (lines.length > 0 || isTooLong) socket.pause()
  })
  socket.on("end", () => {
    ended = true
    const rest = input.rest()
    if (rest !== "") lines.push(rest)
    void work()
  })
  socket.setTimeout(limits.idle)
  socket.on("timeout", () => {
    // A client waiting for a reply isn't idle. Closing now would leave it not knowing whether its change was made.
    if (answering) {
      socket.setTimeout(limits.idle)
      return
    }
    close(printed(["ERROR: Idle timeout"]))
    // In case the client does not even read that.
    setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS).unref()
  })
  // A client that disconnects is not an error.
  socket.on("error", () => socket.destroy())
  socket.once("close", input.forget)

  return {
    /** Closes the connection when the pending lines are answered. */
    finish: () => {
      if (isHandedOver) return void socket.destroy()
      ended = true
      void work()
    }
  }
}
