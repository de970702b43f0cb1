import { lstatSync, readlinkSync, realpathSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { tryRead } from "../machine/tryRead.ts"
import { rootOf } from "../project/project.ts"

/** Returns whether `error` is one of the system with one of these codes. */
export const isCode = (error: unknown, ...codes: ReadonlyArray<string>): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code))

const LINKS_MAX = 40

/** Follows links, also to a file that is not there. */
export const behindLinks = (path: string, left = LINKS_MAX): string => {
  try {
    return realpathSync(path)
  } catch (error) {
    if (!isCode(error, "ENOENT") || left === 0) throw error
    const real = join(realpathSync(dirname(path)), basename(path))
    return tryRead(() => lstatSync(real).isSymbolicLink(), false)
      ? behindLinks(resolve(dirname(real), readlinkSync(real)), left - 1)
      : real
  }
}

/** Returns whether `given` leads through a link out of the project that the link is in. */
export const leavesProject = (given: string): boolean => {
  for (let link = given; link !== dirname(link); link = dirname(link)) {
    if (!tryRead(() => lstatSync(link).isSymbolicLink(), false)) continue
    const here = realpathSync(dirname(link))
    // A link to a directory may be in one that is no project: a home, or /tmp of macOS.
    const holder = rootOf(here) ?? (link === given ? here : undefined)
    const real = behindLinks(link)
    const target = rootOf(link === given ? dirname(real) : real)
    if (holder !== undefined && target !== undefined && holder !== target) return true
  }
  return false
}
