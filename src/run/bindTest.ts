import { createServer } from "node:net"

/**
 * Returns whether something has bound `port`, by binding it for a moment on all addresses. A socket that is bound and does not
 * listen is in no table of listeners, and keeps a tool from its port all the same.
 */
export const isBound = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const server = createServer()
    // A sandbox may forbid the test, which then says nothing.
    server.once("error", (error: NodeJS.ErrnoException) => done(error.code === "EADDRINUSE"))
    server.listen(port, () => server.close(() => done(false)))
  })
