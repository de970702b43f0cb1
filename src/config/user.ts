import { homedir, userInfo } from "node:os"

/** This user's login name, or the number where the system knows no name for it, as in some containers. */
export const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`
  }
}

/** This user's home, or a directory that cannot be used where the system knows none: then the file is what is named. */
export const home = (): string => {
  try {
    return homedir()
  } catch {
    return "/nonexistent"
  }
}
