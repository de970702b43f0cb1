import { readFileSync } from "node:fs"

/** Returns the text of the configuration file; `undefined` if there is none. Throws if it cannot be read. */
export const settingsText = (path: string): string | undefined => {
  try {
    // Some editors begin a file with a byte order mark.
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "")
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ENOTDIR") return undefined
    throw error
  }
}
