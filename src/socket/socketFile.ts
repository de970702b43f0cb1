import { execFileSync } from "node:child_process"
import { chmodSync, chownSync, existsSync, lstatSync, rmdirSync, statSync, unlinkSync } from "node:fs"
import { connect } from "node:net"
import { dirname } from "node:path"
import { makeDirectory } from "../machine/directory.ts"
import { shellWord } from "../text/shell.ts"
import { placeOf } from "./socketTrust.ts"

/** The reason that a daemon may not serve a path, as a sentence for its user. */
export class SocketRefused extends Error {
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

const ANSWER_LIMIT_MS = 2000

/** Returns whether something accepts connections at `path`. A timeout counts as yes. */
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

const setGroup = (path: string, group: string, mode: number): void => {
  try {
    chownSync(path, -1, groupId(group))
    chmodSync(path, mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error
    throw new SocketRefused(`this user is not in the group ${group}`, "correct AUTOMATELINUX_SOCKET_GROUP, or join it")
  }
}

/** Makes `directory` and its missing parents, for their owner and the group only. Existing ones are not changed. */
const makeSocketDirectory = (directory: string, group: string | undefined): void => {
  const parent = dirname(directory)
  if (!existsSync(parent)) makeSocketDirectory(parent, group)
  if (!makeDirectory(directory, 0o700) || group === undefined) return
  try {
    setGroup(directory, group, 0o750)
  } catch (error) {
    rmdirSync(directory)
    throw error
  }
}

export const ANOTHER_PATH = "name another path with AUTOMATELINUX_PORTS_SOCKET"

/** Refuses a directory in which another user could replace our socket. */
const refuseUntrusted = (directory: string, uid: number): void => {
  const place = placeOf(directory, uid)
  if (place._tag !== "Untrusted") return
  throw new SocketRefused(
    `will not make a socket in ${directory}: ${place.why}`,
    place.mode ? `chmod go-w ${shellWord(place.at)}, or ${ANOTHER_PATH}` : ANOTHER_PATH
  )
}

/** Refuses to serve next to another daemon of this user, for example one that was started in another session. */
export const refuseSecond = async (others: ReadonlyArray<string>, uid: number): Promise<void> => {
  for (const path of others) {
    if (placeOf(path, uid)._tag === "Trusted" && statOf(path)?.uid === uid && (await answers(path)))
      throw new SocketRefused(`a daemon of this user already serves ${path}`, "d status shows more")
  }
}

/**
 * Prepares `path` for a socket: makes its directory if it is missing, removes a dead socket of ours, and refuses
 * anything else that is there. Other programs may use an existing directory too, so its mode and group are never
 * changed.
 */
export const prepare = async (path: string, uid: number, group: string | undefined): Promise<void> => {
  const directory = dirname(path)
  if (group !== undefined) groupId(group)
  refuseUntrusted(directory, uid)
  if (statOf(directory) === undefined) makeSocketDirectory(directory, group)
  refuseUntrusted(directory, uid)
  if (statOf(directory)?.isDirectory() !== true)
    throw new SocketRefused(`${directory} is not a directory`, ANOTHER_PATH)
  const there = statOf(path)
  if (there === undefined) return
  // Another user's socket is not even connected to.
  if (!there.isSocket() || there.uid !== uid) {
    throw new SocketRefused(
      `${path} already exists and is not a socket owned by you`,
      `${ANOTHER_PATH}; or check it: ls -l ${shellWord(path)}, and move it away if nothing needs it`
    )
  }
  if (await answers(path))
    throw new SocketRefused(
      `another program serves ${path}`,
      `leave it alone, and ${ANOTHER_PATH}; see which it is: ss -xlp src ${shellWord(path)}`
    )
  unlinkSync(path)
}

/** Who may use a socket, apart from its owner. */
export interface Admission {
  readonly group: string | undefined
  readonly mode: number | undefined
}

const groupId = (name: string): number => {
  try {
    return Number(execFileSync("getent", ["group", name], { encoding: "utf8" }).split(":")[2])
  } catch {
    throw new SocketRefused(`there is no group ${name}`, "correct AUTOMATELINUX_SOCKET_GROUP")
  }
}

/** Lets others in, if a group or a mode is configured: the socket is created for its owner only. */
export const admit = (path: string, { group, mode }: Admission): void => {
  if (group !== undefined) setGroup(path, group, mode ?? 0o660)
  else if (mode !== undefined) chmodSync(path, mode)
}

/** Returns the directory above `path` that `group` cannot pass through, if there is one. */
export const closedTo = (path: string, group: string): string | undefined => {
  const gid = groupId(group)
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const stat = statSync(directory, { throwIfNoEntry: false })
    if (stat !== undefined && (stat.mode & (stat.gid === gid ? 0o010 : 0o001)) === 0) return directory
    if (directory === dirname(directory)) return undefined
  }
}
