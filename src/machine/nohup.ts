import { readFileSync } from "node:fs"
import { basename } from "node:path"

/** The flags of a file that was opened to be written alone. */
const WRITE_ONLY = /^flags:\s+0\d*1$/m

/**
 * Whether this process was started under nohup. Node takes back what nohup has done, which is to ignore SIGHUP, before any
 * JavaScript runs. What is left of it is the name of the command, as bash and zsh tell it, and a standard input that cannot
 * be read, in place of a terminal.
 */
export const isUnderNohup = (environment: Readonly<Record<string, string | undefined>>): boolean => {
  if (basename(environment["_"] ?? "") === "nohup") return true
  try {
    return WRITE_ONLY.test(readFileSync("/proc/self/fdinfo/0", "utf8"))
  } catch {
    return false
  }
}
