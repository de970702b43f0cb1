import { type ChildProcess, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { temporary } from "./root.ts"

/**
 * A stand-in for the AutomateLinux daemon, which speaks its wire: commands that answer and close, one that stands and pushes
 * lines, and one that sends back whatever it receives.
 */
const SCRIPT = `
const { createServer } = require("node:net")
const NAMES = ["version", "help", "listCommands", "getPort", "say", "push", "mirror"]
createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => {})
  let text = Buffer.alloc(0)
  const onData = (chunk) => {
    text = Buffer.concat([text, chunk])
    const end = text.indexOf(10)
    if (end !== -1) answer(text.subarray(0, end).toString(), text.subarray(end + 1))
  }
  const answer = (line, rest) => {
    socket.off("data", onData)
    const { command, text: said = "", count = Infinity } = JSON.parse(line)
    if (command === "mirror") {
      socket.write(rest)
      return socket.pipe(socket)
    }
    if (command === "push") {
      let number = 0
      const timer = setInterval(() => {
        if (number < count) socket.write("pushed " + number++ + "\\n")
      }, 5)
      return socket.on("close", () => clearInterval(timer)).on("end", () => socket.end()).resume()
    }
    const replies = { version: "104\\n", help: "the other's help\\n", listCommands: NAMES.join("\\n") + "\\n", say: said }
    socket.end(replies[command] ?? "Unknown command: " + command + "\\n")
  }
  socket.on("data", onData)
  socket.on("end", () => {
    if (text.length > 0 && text.indexOf(10) === -1) answer(text.toString(), Buffer.alloc(0))
  })
}).listen(process.argv[2], () => console.log("up"))
`

export interface StandIn {
  readonly path: string
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
}

/** Starts a stand-in on a socket of its own. */
export const standIn = async (): Promise<StandIn> => {
  const directory = temporary()
  const script = join(directory, "other.cjs")
  const path = join(directory, "other.sock")
  writeFileSync(script, SCRIPT)
  let child: ChildProcess | undefined
  const kill = async () => {
    const ended = new Promise((done) => child?.once("exit", done))
    child?.kill("SIGKILL")
    await ended
    child = undefined
  }
  const start = async () => {
    // A killed one has left its socket.
    const made = spawn("sh", ["-c", `rm -f "$1"; exec "$2" "$0" "$1"`, script, path, process.execPath])
    child = made
    await new Promise((done) => made.stdout.once("data", done))
  }
  onTestFinished(async () => {
    if (child !== undefined) await kill()
  })
  await start()
  return { path, kill, start }
}
