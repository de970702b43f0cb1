import { execFileSync } from "node:child_process"
import { chmodSync, chownSync, lstatSync, unlinkSync } from "node:fs"
import { connect, createServer, type Server } from "node:net"
import { basename, dirname } from "node:path"
import { shellWord } from "./domain/shell.ts"
import { makeDirectory } from "./machine/directory.ts"

/** Why a daemon may not serve a path; the sentence for its user. */
export class SocketRefused extends Error {
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

const PID_LIMIT_MS = 2000

/** The pid of the daemon that holds the lock: it says so to whoever connects. */
const holderOf = (name: string): Promise<string> =>
  new Promise((done) => {
    const socket = connect(name)
    let text = ""
    socket.setTimeout(PID_LIMIT_MS, () => socket.destroy())
    socket.on("data", (chunk) => (text += chunk))
    socket.on("error", () => {})
    socket.on("close", () => done(text.trim()))
  })

/**
 * Holds the right to serve `path`, for life: the kernel gives it to one process, and takes it back however that ends.
 * Only Linux has such names; elsewhere dialling must do.
 */
export const lock = (path: string, uid: number): Promise<Server | undefined> =>
  new Promise((done, fail) => {
    if (process.platform !== "linux") return done(undefined)
    const name = `\0automatelinux-ports:${uid}:${path}`
    const server = createServer((socket) => socket.on("error", () => {}).end(`${process.pid}\n`))
    server.once("error", async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") return fail(error)
      fail(
        new SocketRefused(
          `a daemon serves ${path} already, pid ${(await holderOf(name)) || "unknown"}`,
          "d status tells more"
        )
      )
    })
    server.listen(name, () => done(server.unref()))
  })

const answers = (path: string): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(path)
    const end = (answer: boolean) => {
      socket.destroy()
      done(answer)
    }
    socket.setTimeout(PID_LIMIT_MS, () => end(true))
    socket.once("connect", () => end(true))
    socket.once("error", () => end(false))
  })

const statOf = (path: string) => lstatSync(path, { throwIfNoEntry: false })

/** Makes room at `path`: its directory, and nothing in it but perhaps a dead socket of ours, which is taken away. */
export const prepare = async (path: string, uid: number, group: string | undefined): Promise<void> => {
  const directory = dirname(path)
  const made = makeDirectory(directory, 0o700)
  const owner = statOf(directory)
  if (owner?.isDirectory() !== true || (owner.uid !== uid && owner.uid !== 0)) {
    throw new SocketRefused(
      `${directory} is not a directory of this user`,
      "name another path with AUTOMATE_LINUX_SOCKET_PATH"
    )
  }
  // A directory that is there for other things keeps its mode and group.
  if (made || (owner.uid === uid && basename(directory).startsWith("automatelinux"))) {
    if (group !== undefined) chownSync(directory, uid, groupId(group))
    chmodSync(directory, group === undefined ? 0o700 : 0o750)
  }
  const there = statOf(path)
  if (there === undefined) return
  if (!there.isSocket() || there.uid !== uid) {
    throw new SocketRefused(
      `${path} is there already, and is no socket of this user`,
      `look at it, and move it away: ls -l ${shellWord(path)}`
    )
  }
  if (await answers(path)) {
    throw new SocketRefused(`another program serves ${path}`, `see which: ss -xlp src ${shellWord(path)}`)
  }
  unlinkSync(path)
}

const groupId = (name: string): number => {
  try {
    return Number(execFileSync("getent", ["group", name], { encoding: "utf8" }).split(":")[2])
  } catch {
    throw new SocketRefused(`there is no group ${name}`, "correct AUTOMATELINUX_SOCKET_GROUP")
  }
}

/** Lets the group in, where one is configured; the socket itself was made for its owner alone. */
export const admit = (path: string, uid: number, group: string | undefined): void => {
  if (group === undefined) return
  chownSync(path, uid, groupId(group))
  chmodSync(path, 0o660)
}
