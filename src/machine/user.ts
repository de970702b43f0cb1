import { userInfo } from "node:os"
import { isAbsolute } from "node:path"

/** This user's login name, or the number where the system knows no name for it, as in some containers. */
export const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`
  }
}

/** This user's home as the system knows it, whatever HOME says, or a directory that cannot be used if it knows none. */
export const home = (): string => {
  try {
    const { homedir } = userInfo()
    return isAbsolute(homedir) ? homedir : "/nonexistent"
  } catch {
    return "/nonexistent"
  }
}
