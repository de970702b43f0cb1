import { execFileSync } from "node:child_process"
import { chmodSync, chownSync, existsSync, lstatSync, rmdirSync, statSync, unlinkSync } from "node:fs"
import { connect } from "node:net"
import { dirname } from "node:path"
import { makeDirectory } from "../machine/directory.ts"
import { shellWord } from "../text/shell.ts"
import { placeOf } from "./socketTrust.ts"

/** Why a daemon may not serve a path; the sentence for its user. */
export class SocketRefused extends Error {
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

const ANSWER_LIMIT_MS = 2000

/** Whether something takes connections at `path`. */
export const answers = (path: string): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(path)
    const end = (answer: boolean) => {
      socket.destroy()
      done(answer)
    }
    socket.setTimeout(ANSWER_LIMIT_MS, () => end(true))
    socket.once("connect", () => end(true))
    socket.once("error", () => end(false))
  })

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

const ANOTHER_PATH = "name another path with AUTOMATE_LINUX_SOCKET_PATH"

/** Refuses a directory in which another user could put a socket in the place of ours. */
const refuseUntrusted = (directory: string, uid: number): void => {
  const place = placeOf(directory, uid)
  if (place._tag !== "Untrusted") return
  throw new SocketRefused(
    `no socket is made in ${directory}: ${place.why}`,
    place.mode ? `chmod go-w ${shellWord(place.at)}, or ${ANOTHER_PATH}` : ANOTHER_PATH
  )
}

/** Refuses to serve beside another daemon of this user's, which was started in another session. */
export const refuseSecond = async (others: ReadonlyArray<string>, uid: number): Promise<void> => {
  for (const path of others) {
    if (placeOf(path, uid)._tag === "Trusted" && statOf(path)?.uid === uid && (await answers(path)))
      throw new SocketRefused(`a daemon of this user serves ${path} already`, "d status tells more")
  }
}

/**
 * Makes room at `path`: its directory, if there is none, and nothing in it but perhaps a dead socket of ours, which is
 * taken away. A directory that was there may be other programs' as well, so its mode and group are never changed.
 */
export const prepare = async (path: string, uid: number, group: string | undefined): Promise<void> => {
  const directory = dirname(path)
  if (group !== undefined) groupId(group)
  refuseUntrusted(directory, uid)
  if (statOf(directory) === undefined) makeRoom(directory, group)
  refuseUntrusted(directory, uid)
  if (statOf(directory)?.isDirectory() !== true)
    throw new SocketRefused(`${directory} is not a directory`, ANOTHER_PATH)
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
