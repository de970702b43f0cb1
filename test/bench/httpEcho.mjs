// The least that an HTTP server in Node can be: answers every request with its path.
import { createServer } from "node:http"

createServer((request, response) => {
  const text = `${request.url}\n`
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "content-length": Buffer.byteLength(text) })
  response.end(text)
}).listen(Number(process.argv[2]), "127.0.0.1", () => console.error("serving"))
