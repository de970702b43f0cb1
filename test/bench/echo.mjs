// The least that a service of JSON lines in Node can be: reads a line, parses it, and sends it back.
import { createServer } from "node:net"

createServer((socket) => {
  let text = ""
  socket.setEncoding("utf8")
  socket.on("error", () => socket.destroy())
  socket.on("data", (chunk) => {
    text += chunk
    for (let newline = text.indexOf("\n"); newline !== -1; newline = text.indexOf("\n")) {
      const request = JSON.parse(text.slice(0, newline))
      text = text.slice(newline + 1)
      const answer = `${JSON.stringify(request)}\n`
      if (request.format === "json") socket.write(answer)
      else socket.end(answer)
    }
  })
}).listen(process.argv[2], () => console.error("serving"))
