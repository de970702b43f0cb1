import { connect } from "node:net"

/** A connection that is kept: a line is answered by a line. */
export const kept = (path) =>
  new Promise((done, fail) => {
    const socket = connect(path)
    let text = ""
    let answered = () => {}
    socket.setEncoding("utf8")
    socket.once("error", fail)
    socket.on("data", (chunk) => {
      text += chunk
      const newline = text.indexOf("\n")
      if (newline === -1) return
      const line = text.slice(0, newline)
      text = text.slice(newline + 1)
      answered(line)
    })
    socket.once("connect", () =>
      done({
        ask: (line) =>
          new Promise((answer) => {
            answered = answer
            socket.write(line)
          }),
        close: () => socket.destroy()
      })
    )
  })

/** One question on a connection of its own, read to its end. */
export const once = (path, line) =>
  new Promise((done, fail) => {
    const socket = connect(path)
    let text = ""
    socket.setEncoding("utf8")
    socket.on("data", (chunk) => (text += chunk))
    socket.once("error", fail)
    socket.once("close", () => done(text))
    socket.write(line)
  })

/** The line that asks for `command`, answered by a document. */
export const request = (command, fields) => `${JSON.stringify({ command, ...fields, format: "json" })}\n`

/** Asks for a command that must succeed, and answers what came of it. */
export const demand = async (connection, command, fields) => {
  const reply = JSON.parse(await connection.ask(request(command, fields)))
  if (!reply.ok) throw new Error(`${command} failed: ${reply.error.message}`)
  return reply.result
}
