import { createServer } from "node:net"

/**
 * Returns whether something has bound `port`, by binding it for a moment on all addresses; undefined if that is forbidden, as
 * in a sandbox. A socket that is bound and does not listen is in no table of listeners, and keeps a tool from its port all the
 * same.
 */
export const isBound = (port: number): Promise<boolean | undefined> =>
  new Promise((done) => {
    const server = createServer()
    server.once("error", ({ code }: NodeJS.ErrnoException) => done(code === "EADDRINUSE" ? true : undefined))
    server.listen(port, () => server.close(() => done(false)))
  })
