import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { onTestFinished } from "vitest"

/** How long a daemon that is busy with others may take for one line. */
const SILENCE_MS = 20_000

const isJson = (line: string): boolean => {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

const isObject = (line: string): boolean => {
  try {
    return "ok" in JSON.parse(line)
  } catch {
    return false
  }
}

/** A client that keeps its connection as long as the daemon does, and makes a new one then. */
export class Talker {
  private readonly path: string
  private socket: Socket | undefined

  constructor(path: string) {
    this.path = path
  }

  /** What comes back for one line, whole: up to the end where the daemon ends the connection after it. */
  say(line: Buffer): Promise<string> {
    return new Promise((done, fail) => {
      this.socket ??= connect(this.path).setEncoding("utf8")
      const socket = this.socket
      let text = ""
      const end = (settle: () => void, over: boolean) => {
        clearTimeout(timer)
        socket.removeAllListeners()
        if (over) {
          this.close()
        }
        settle()
      }
      const timer = setTimeout(
        () => end(() => fail(new Error(`no answer, but ${JSON.stringify(text)}`)), true),
        SILENCE_MS
      )
      socket.on("data", (chunk: string) => {
        text += chunk
        const isGarbage = text === "ERROR: Invalid JSON\n" && !isJson(line.toString())
        const stays = isGarbage || (text.endsWith("\n") && isObject(text))
        if (stays) end(() => done(text), false)
      })
      socket.on("error", (error: NodeJS.ErrnoException) => {
        // What was said before the daemon gave up reading.
        end(() => (text === "" ? fail(error) : done(text)), true)
      })
      socket.on("close", () => end(() => done(text), true))
      socket.write(Buffer.concat([line, Buffer.from("\n")]))
    })
  }

  /** Says something and is gone. */
  vanish(line: Buffer): Promise<void> {
    const socket = connect(this.path)
    socket.on("error", () => {})
    socket.write(line, () => socket.destroy())
    return new Promise((done) => socket.once("close", () => done()))
  }

  close(): void {
    this.socket?.on("error", () => {}).destroy()
    this.socket = undefined
  }
}

/** A client of no particular kind: it writes chunks and keeps what comes back. */
export const client = (path: string) => {
  const socket = connect({ path, allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  let text = ""
  socket.setEncoding("utf8")
  socket.on("data", (chunk) => (text += chunk))
  socket.on("error", () => {})
  const ended = new Promise<void>((done) => socket.once("end", done).once("close", () => done()))
  return {
    socket,
    write: (chunk: string | Buffer) => new Promise<void>((done) => socket.write(chunk, () => done())),
    text: () => text,
    /** What came until the server ended the connection. */
    all: async () => {
      await ended
      return text
    },
    until: async (wanted: RegExp) => {
      while (!wanted.test(text)) await sleep(5)
      return text
    }
  }
}

/** Sends a line to the daemon at `path`, and returns all that it replies. */
export const requestDaemon = (path: string, line: string) => {
  const each = client(path)
  void each.write(`${line}\n`)
  return each.all()
}
