import { lstatSync, readlinkSync, type Stats } from "node:fs"

/**
 * Decides which sockets are trusted, for everything that connects to one or makes one: a socket of this user's or of
 * root's, on a path on which no other user can put another in its place.
 */

/** `at` is the part of the path that others have in hand, `mode` if only its permissions make it so. */
export interface Untrusted {
  readonly _tag: "Untrusted"
  readonly at: string
  readonly why: string
  readonly mode?: true
}

export type Place =
  /** `isOpen` if others may make files beside it, once it is gone. */
  | { readonly _tag: "Trusted"; readonly isOpen: boolean }
  | { readonly _tag: "Missing" }
  /** This user may not look further. */
  | { readonly _tag: "Closed" }
  | Untrusted

const STICKY = 0o1000
const BY_GROUP = 0o020
const BY_ALL = 0o002
/** As the kernel has it. */
const LINKS_MAX = 40

/** Whether others than its owner may make files in a directory. By convention a user's own group has the user's number. */
const isShared = ({ gid, mode, uid }: Stats): boolean =>
  (mode & BY_ALL) !== 0 || ((mode & BY_GROUP) !== 0 && gid !== uid)

const statOf = (path: string): Stats | undefined => {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** The owner of a socket that is open to a group of this user's, as AUTOMATELINUX_SOCKET_GROUP makes it. */
const ownerForGroup = (path: string): number | undefined => {
  const stat = statOf(path)
  const groups = [process.getgid?.(), ...(process.getgroups?.() ?? [])]
  return stat !== undefined && (stat.mode & 0o060) === 0o060 && groups.includes(stat.gid) ? stat.uid : undefined
}

/** Whether a part of a path leads nowhere else. */
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
 * Returns what is at `path`, as far as `uid` may trust it. Each directory, link and the socket itself must be this user's or
 * root's; a directory in which others may make files must be sticky, so that they cannot remove what is not theirs.
 *
 * Two more owners are trusted, but only for what they have not made in a directory that is open to others: the owner of /,
 * which is root even if a user namespace gives root another number; and, if the user has named the very path (`isNamed`),
 * the owner of a socket that is shared with a group of the user's.
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
