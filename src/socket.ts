import { execFileSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  unlinkSync
} from "node:fs"
import { connect, createServer, type Server } from "node:net"
import { dirname } from "node:path"
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

/** The pid that the holder of the lock says to whoever connects; `undefined` if nobody holds it. */
const holderOf = (name: string): Promise<string | undefined> =>
  new Promise((done) => {
    const socket = connect(name)
    let text = ""
    socket.setTimeout(PID_LIMIT_MS, () => socket.destroy())
    socket.on("data", (chunk) => (text += chunk))
    socket.on("error", () => done(undefined))
    socket.on("close", () => done(text.trim()))
  })

/** The bytes of a socket's name. */
const NAME_LENGTH = 108

/** Filled up with zeros, as Node 20 does by itself: it would be another name than that of newer versions. */
const lockName = (path: string, uid: number): string => {
  const name = `\0automatelinux-ports:${uid}:${path}`
  return name + "\0".repeat(Math.max(0, NAME_LENGTH - Buffer.byteLength(name)))
}

/** The name of the lock as the kernel's table of sockets has it. */
export const shownLockName = (path: string, uid: number): string => lockName(path, uid).replaceAll("\0", "@")

/** Whether the process `pid` has the lock open. Whoever holds the lock may say any number, and it stands in commands. */
const holdsLock = (pid: string, path: string, uid: number): boolean => {
  try {
    const end = ` ${shownLockName(path, uid)}`
    const line = readFileSync("/proc/net/unix", "utf8")
      .split("\n")
      .find((each) => each.endsWith(end))
    const inode = line?.slice(0, -end.length).trim().split(/\s+/).at(-1)
    const files = `/proc/${pid}/fd`
    return readdirSync(files).some((file) => readlinkSync(`${files}/${file}`) === `socket:[${inode}]`)
  } catch {
    return false
  }
}

/** A daemon that holds the right to serve a path. */
export interface Holder {
  /** `undefined` if it does not say, as when it is stopped, or if it cannot be seen that it is this one. */
  readonly pid: number | undefined
}

/** The daemon that holds the right to serve `path`, whether or not it can be reached there. */
export const holderAt = async (path: string, uid: number): Promise<Holder | undefined> => {
  const said = process.platform === "linux" ? await holderOf(lockName(path, uid)) : undefined
  if (said === undefined) return undefined
  return { pid: /^\d+$/.test(said) && holdsLock(said, path, uid) ? Number(said) : undefined }
}

/** Says that a daemon runs and cannot be reached at `path`, and what to do. */
export const unreachable = (path: string, { pid }: Holder): { readonly message: string; readonly hint: string } => ({
  message: `a daemon runs, pid ${pid ?? "unknown"}, and does not answer at ${path}`,
  hint:
    pid === undefined
      ? "d doctor --check daemon-running tells more"
      : `if its socket was removed, it makes another within 5 seconds; if it does not: kill ${pid}, then d daemon`
})

/**
 * Holds the right to serve `path`, for life: the kernel gives it to one process, and takes it back however that ends.
 * Only Linux has such names; elsewhere dialling must do.
 */
export const lock = (path: string, uid: number): Promise<Server | undefined> =>
  new Promise((done, fail) => {
    if (process.platform !== "linux") return done(undefined)
    const name = lockName(path, uid)
    const server = createServer((socket) => socket.on("error", () => {}).end(`${process.pid}\n`))
    server.once("error", async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") return fail(error)
      fail(await heldBy(path, { pid: undefined, ...(await holderAt(path, uid)) }))
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

/** Why a second daemon may not serve `path`. The first one may not be reachable there. */
const heldBy = async (path: string, holder: Holder): Promise<SocketRefused> => {
  if (await answers(path))
    return new SocketRefused(`a daemon serves ${path} already, pid ${holder.pid ?? "unknown"}`, "d status tells more")
  const { hint, message } = unreachable(path, holder)
  return new SocketRefused(message, hint)
}

const statOf = (path: string) => lstatSync(path, { throwIfNoEntry: false })

const giveTo = (path: string, group: string, mode: number): void => {
  try {
    chownSync(path, -1, groupId(group))
    chmodSync(path, mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error
    throw new SocketRefused(`this user is not in the group ${group}`, "correct AUTOMATELINUX_SOCKET_GROUP, or join it")
  }
}

/** Makes `directory` and what is missing above it, for their owner and the group alone. What was there stays as it is. */
const makeRoom = (directory: string, group: string | undefined): void => {
  const parent = dirname(directory)
  if (!existsSync(parent)) makeRoom(parent, group)
  if (!makeDirectory(directory, 0o700) || group === undefined) return
  try {
    giveTo(directory, group, 0o750)
  } catch (error) {
    rmdirSync(directory)
    throw error
  }
}

/**
 * Makes room at `path`: its directory, if there is none, and nothing in it but perhaps a dead socket of ours, which is
 * taken away. A directory that was there may be other programs' as well, so its mode and group are never changed.
 */
export const prepare = async (path: string, uid: number, group: string | undefined): Promise<void> => {
  const directory = dirname(path)
  if (group !== undefined) groupId(group)
  if (statOf(directory) === undefined) makeRoom(directory, group)
  const owner = statOf(directory)
  if (owner?.isDirectory() !== true || (owner.uid !== uid && owner.uid !== 0)) {
    throw new SocketRefused(
      `${directory} is not a directory of this user`,
      "name another path with AUTOMATE_LINUX_SOCKET_PATH"
    )
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
export const admit = (path: string, group: string | undefined): void => {
  if (group !== undefined) giveTo(path, group, 0o660)
}

/** The directory on the way to `path` that does not let `group` through, if there is one. */
export const closedTo = (path: string, group: string): string | undefined => {
  const gid = groupId(group)
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const stat = statSync(directory, { throwIfNoEntry: false })
    if (stat !== undefined && (stat.mode & (stat.gid === gid ? 0o010 : 0o001)) === 0) return directory
    if (directory === dirname(directory)) return undefined
  }
}
