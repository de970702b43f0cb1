import { closeSync, readdirSync, readFileSync } from "node:fs"
import { tryRead } from "./tryRead.ts"

/** The kernel's flag of a descriptor that a program which is started does not get. */
const CLOSE_ON_EXEC = 0o2000000
const STREAMS = 3

/**
 * Closes the descriptors that this process has inherited but does not use, such as the lock file of `flock`: a process that it
 * starts would keep them open for as long as it runs. Node only shields its children from those below 17. Elsewhere than on
 * Linux, Node's children inherit none.
 */
export const closeInherited = (): void => {
  for (const name of tryRead(() => readdirSync("/proc/self/fdinfo"), [])) {
    const flags = /^flags:\s+(\d+)$/m.exec(tryRead(() => readFileSync(`/proc/self/fdinfo/${name}`, "latin1"), ""))?.[1]
    const isInherited = flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0
    if (isInherited && Number(name) >= STREAMS) tryRead(() => closeSync(Number(name)), undefined)
  }
}
