import { lstatSync, realpathSync } from "node:fs"
import { dirname } from "node:path"
import { behindLinks } from "../machine/replaceFile.ts"
import { tryRead } from "../machine/tryRead.ts"
import { rootOf } from "../project/project.ts"

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
