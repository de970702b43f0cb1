import type { CommandError } from "../domain/CommandError.ts"
import { closedPart } from "../machine/closedPart.ts"
import { nameOfUser } from "../machine/processes.ts"
import { userName } from "../machine/user.ts"
import { ANOTHER_PATH, SocketRefused } from "./socketFile.ts"

const OUTSIDE = "a sandbox may forbid it: run d daemon start outside of it, and let its socket in"

/** Explains a refusal of the system by the part of the path that is closed, if there is one. */
const permissionDenied = (path: string): Pick<CommandError, "message" | "hint"> => {
  const denied = `permission denied for ${userName()}`
  const closed = closedPart(path)
  if (closed === undefined) return { message: denied, hint: OUTSIDE }
  const whose = closed.owner === process.getuid?.() ? "is closed" : `belongs to ${nameOfUser(closed.owner)}`
  return { message: `${denied}: ${closed.at} ${whose}`, hint: ANOTHER_PATH }
}

const describe = (code: string, path: string): Pick<CommandError, "message" | "hint"> => {
  switch (code) {
    case "EACCES":
    case "EPERM":
      return permissionDenied(path)
    case "EAFNOSUPPORT":
      return { message: "this process may not use Unix sockets", hint: OUTSIDE }
    case "EROFS":
      return { message: "its file system is read-only", hint: ANOTHER_PATH }
    case "ENOENT":
      return { message: "its directory does not exist and cannot be made", hint: ANOTHER_PATH }
    case "ENOSPC":
      return { message: "the disk is full", hint: ANOTHER_PATH }
    case "EMFILE":
    case "ENFILE":
      return { message: "too many files are open", hint: "check the limits of this shell: ulimit -n" }
    default:
      return { message: `the system says ${code}`, hint: ANOTHER_PATH }
  }
}

/** Returns the error if a daemon cannot make its socket at `path`. */
export const socketFailure = (error: unknown, path: string): CommandError => {
  if (error instanceof SocketRefused) return { code: "unavailable", message: error.message, hint: error.hint }
  const { code, message: said } = error as NodeJS.ErrnoException
  const { hint, message } = code === undefined ? { hint: ANOTHER_PATH, message: said } : describe(code, path)
  return { code: "unavailable", message: `cannot make the socket ${path}: ${message}`, hint }
}
