import { existsSync } from "node:fs"
import { type ClosedPart, closedPart } from "../../machine/closedPart.ts"
import { nameOfUser } from "../../machine/processes.ts"
import { userName } from "../../machine/user.ts"
import { sudo } from "../../text/describe.ts"
import { shellWord } from "../../text/shell.ts"

/** Says why a database file cannot be written, and what helps. */

export const ELSEWHERE = "name another file with AUTOMATELINUX_DATABASE_URL=sqlite:/PATH/TO/FILE"
export const OUTSIDE = "if this is a sandbox, run d daemon start outside of it, and let its socket in"

/** The files that SQLite keeps beside the database. */
export const BESIDE = ["-wal", "-shm"]

/** The system's error codes if this user, or this process, may not do something. */
export const isForbidden = (code: string | undefined): boolean =>
  code !== undefined && ["EACCES", "EPERM", "EROFS"].includes(code)

/** A word for the user in a command. */
const self = (): string => {
  const name = userName()
  return name.startsWith("uid ") ? name.slice("uid ".length) : shellWord(name)
}

/** Returns the command that lets this user write to the database `path`, if there is one that is safe to propose. */
const openingCommand = (path: string, { at, code, isInOurs, owner }: ClosedPart): string | undefined => {
  const isDirectory = path.startsWith(`${at}/`)
  const what = isDirectory ? [at] : ["", ...BESIDE].map((suffix) => path + suffix).filter((file) => existsSync(file))
  const words = what.map(shellWord).join(" ")
  if (code === "EPERM") return `${sudo}chattr -i ${words}`
  if (code !== "EACCES") return undefined
  if (owner === process.getuid?.()) return `chmod u+rw${isDirectory ? "x" : ""} ${words}`
  // Elsewhere, as in /root, it is right that it is closed.
  return isInOurs ? `${sudo}chown ${isDirectory ? "-R " : ""}${self()} ${words}` : undefined
}

interface Unwritable {
  readonly reason: string
  readonly hint: string
  /** The command that opens it, if one does. */
  readonly command: string | undefined
}

/** Describes why the database file `path` cannot be written; `code` is the system's. */
export const describeUnwritable = (path: string, code: string): Unwritable => {
  if (code === "EROFS")
    return { reason: "its file system is read-only", hint: `${OUTSIDE}; otherwise ${ELSEWHERE}`, command: undefined }
  const closed = closedPart(path, BESIDE)
  // Permitted by every mode, and refused all the same: Landlock, SELinux, AppArmor.
  if (closed === undefined) return { reason: `permission denied for ${userName()}`, hint: OUTSIDE, command: undefined }
  const command = openingCommand(path, closed)
  const isOurs = closed.owner === process.getuid?.()
  const why = closed.code === "EPERM" ? "is immutable" : isOurs ? "is closed" : `belongs to ${nameOfUser(closed.owner)}`
  return {
    reason: `permission denied for ${userName()}: ${closed.at} ${why}`,
    hint: command ?? `ask ${nameOfUser(closed.owner)} for access, or ${ELSEWHERE}`,
    command
  }
}

/** Returns the command that makes the database file `path` writable, if one does. */
export const commandToOpen = (path: string): string | undefined => {
  const closed = closedPart(path, BESIDE)
  return closed && openingCommand(path, closed)
}
