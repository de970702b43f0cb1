import { lstatSync, readlinkSync, type Stats } from "node:fs"

/**
 * Decides which sockets are trusted, for everything that connects to a socket or makes one: those of this user or root,
 * at a path where no other user can replace them.
 */

/** `at` is the part of the path that others control; `mode` is set if the reason is only its permissions. */
export interface Untrusted {
  readonly _tag: "Untrusted"
  readonly at: string
  readonly why: string
  readonly mode?: true
}

type Place =
  /** `isOpen` if others may create files in its directory, and so take its place once it is gone. */
  | { readonly _tag: "Trusted"; readonly isOpen: boolean }
  | { readonly _tag: "Missing" }
  /** This user may not access the path. */
  | { readonly _tag: "Closed" }
  | Untrusted

const STICKY = 0o1000
const BY_GROUP = 0o020
const BY_ALL = 0o002
/** The kernel's limit. */
const LINKS_MAX = 40

/** Whether other users may create files in a directory. By convention a user's private group has the user's id. */
const isShared = ({ gid, mode, uid }: Stats): boolean =>
  (mode & BY_ALL) !== 0 || ((mode & BY_GROUP) !== 0 && gid !== uid)

const statOf = (path: string): Stats | undefined => {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** Returns the owner of a socket that is shared with a group of this user, as with AUTOMATELINUX_SOCKET_GROUP. */
const ownerForGroup = (path: string): number | undefined => {
  const stat = statOf(path)
  const groups = [process.getgid?.(), ...(process.getgroups?.() ?? [])]
  return stat !== undefined && (stat.mode & 0o060) === 0o060 && groups.includes(stat.gid) ? stat.uid : undefined
}

/** Whether a component of a path can be skipped. */
const isEmpty = (name: string): boolean => name === "" || name === "."

const lookUp = (path: string): Stats | Place => {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? { _tag: "Missing" }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { _tag: code === "EACCES" || code === "EPERM" ? "Closed" : "Missing" }
  }
}

/**
 * Returns what is at `path`, as far as `uid` may trust it. Each directory, each link and the socket itself must belong
 * to this user or root; a directory in which others may create files must be sticky, so that they cannot remove files
 * of others.
 *
 * Two more owners are trusted, but not inside a directory in which others may create files: the owner of /, which is
 * root even if a user namespace maps root to another id; and, if the user named exactly this path (`isNamed`), the
 * owner of a socket that is shared with a group of the user.
 */
export const placeOf = (path: string, uid: number, isNamed = false): Place => {
  const isVouchedFor = (owner: number) =>
    owner === statOf("/")?.uid || (isNamed && uid !== 0 && ownerForGroup(path) === owner)
  const isTrusted = (owner: number) => owner === 0 || owner === uid || (!isOpen && isVouchedFor(owner))
  const rest = path.split("/")
  let at = ""
  let isOpen = false
  let links = 0
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (isEmpty(name)) continue
    const next = `${at}/${name}`
    const found = lookUp(next)
    if ("_tag" in found) return found
    if (!isTrusted(found.uid)) return { _tag: "Untrusted", at: next, why: `${next} belongs to uid ${found.uid}` }
    if (found.isSymbolicLink()) {
      if (++links > LINKS_MAX) return { _tag: "Missing" }
      const target = readlinkSync(next)
      rest.unshift(...target.split("/"))
      if (!target.startsWith("/")) continue
      at = ""
      isOpen = false
      continue
    }
    at = next
    if (!found.isDirectory()) continue
    isOpen = isShared(found)
    if (isOpen && (found.mode & STICKY) === 0)
      return { _tag: "Untrusted", at, why: `other users may write to ${at}`, mode: true }
  }
  return { _tag: "Trusted", isOpen }
}
