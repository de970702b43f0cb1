import { userInfo } from "node:os"
import { isAbsolute } from "node:path"

/** Returns this user's login name, or `uid N` if there is none, as in some containers. */
export const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`
  }
}

/** Returns this user's home from the system's user database, ignoring HOME, or an unusable directory if it has none. */
export const home = (): string => {
  try {
    const { homedir } = userInfo()
    return isAbsolute(homedir) ? homedir : "/nonexistent"
  } catch {
    return "/nonexistent"
  }
}
