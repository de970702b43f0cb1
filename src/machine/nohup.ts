import { readFileSync } from "node:fs"
import { basename } from "node:path"
import type { Environment } from "../domain/Environment.ts"

/** The flags of a descriptor that was opened write-only. */
const WRITE_ONLY = /^flags:\s+0\d*1$/m

/**
 * Returns whether this process was started under nohup. Node resets what nohup does, which is to ignore SIGHUP, before
 * any JavaScript runs. Two traces remain: the name of the command in `_`, which bash and zsh set, and a standard input
 * that cannot be read, which nohup opens in place of a terminal.
 */
export const isUnderNohup = (environment: Environment): boolean => {
  if (basename(environment["_"] ?? "") === "nohup") return true
  try {
    return WRITE_ONLY.test(readFileSync("/proc/self/fdinfo/0", "utf8"))
  } catch {
    return false
  }
}
