// The least that a service in Node can be that stands in front of another: connects each client to it, both ways.
import { connect, createServer } from "node:net"

const [path, other] = process.argv.slice(2)
createServer({ allowHalfOpen: true }, (client) => {
  const behind = connect({ path: other, allowHalfOpen: true })
  for (const socket of [client, behind]) socket.on("error", () => socket.destroy())
  client.pipe(behind).pipe(client)
}).listen(path, () => console.error("serving"))
