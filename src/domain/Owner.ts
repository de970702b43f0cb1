import type { Container } from "./Container.ts"
import type { Listener } from "./Listener.ts"
import { appOf } from "./names.ts"

export const OWNER_KINDS = ["directory", "unit", "container"] as const

/** The app behind a listener, identified by something that survives its restarts. */
export interface Owner {
  readonly kind: (typeof OWNER_KINDS)[number]
  /** The directory, the unit, or the port inside the container. */
  readonly name: string
}

/** The owner of a key on one host. */
export interface KeyOwner extends Owner {
  /** When it was set or first seen; ISO 8601. */
  readonly since: string
  /** When it was last seen serving the key's port; null if never. */
  readonly seen: string | null
  /** A user named it; otherwise it was learned from the first process that was found on the port. */
  readonly said: boolean
}

/** An owner as it is stored. */
export interface StoredOwner {
  /** The kind; that of an owner that was only learned begins with `seen:`. */
  readonly kind: string
  readonly name: string
  readonly since: string
  readonly seen: string | null
}

/**
 * The kind of an owner that was learned is stored with this prefix, and so is not one that a user named. The column holds 16
 * characters.
 */
export const LEARNED = "seen:"

/** Returns an owner as it is stored. */
export const storedOwner = ({ kind, name, said, seen, since }: KeyOwner): StoredOwner => ({
  kind: said ? kind : LEARNED + kind,
  name,
  since,
  seen
})

/** Reads a stored owner; undefined if a `d` with other kinds stored it. */
export const ownerFrom = ({ kind: stored, name, seen, since }: StoredOwner): KeyOwner | undefined => {
  const said = !stored.startsWith(LEARNED)
  const kind = OWNER_KINDS.find((each) => each === (said ? stored : stored.slice(LEARNED.length)))
  return kind === undefined ? undefined : { kind, name, since, seen, said }
}

const portInside = (container: string | null): string => container?.split(":").at(-1) ?? ""

/**
 * Returns the owner that a listener indicates: the directory of its compose project, the container it is the proxy of, its
 * working directory, or, if that is the root or a home and so identifies nothing, its unit. A container gets a new address
 * at each start, so only the port inside it counts. A directory inside a container is not one of this machine's.
 */
export const ownerOf = ({ container: known, process }: Pick<Listener, "container" | "process">): Owner | undefined => {
  if (known !== null && known.directory !== null) return { kind: "directory", name: known.directory }
  if (process === null || process.manager) return undefined
  const { atHome, container, directory, proxy, unit } = process
  if (proxy) return { kind: "container", name: portInside(container) }
  if (container !== null || known !== null) return undefined
  if (directory !== null && directory !== "/" && !atHome) return { kind: "directory", name: directory }
  return unit === null ? undefined : { kind: "unit", name: unit }
}

/** Returns whether `path` is `directory`, or in it. */
export const inside = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory.endsWith("/") ? directory : `${directory}/`)

/** Returns whether one directory is inside the other, or both are the same. */
export const isNested = (a: string, b: string): boolean => inside(a, b) || inside(b, a)

/** Decides whether `path` is in the git worktree of `directory`, or that is in none: a worktree may lie inside another. */
export type InWorktree = (directory: string, path: string) => boolean

/**
 * Returns the paths that show whose a listener is: its directory, and those on its command line. For a container that is the
 * directory of its compose project.
 */
const pathsOf = ({ container, process }: Listener): ReadonlyArray<string | null> =>
  container !== null ? [container.directory] : process === null ? [] : [...process.paths, process.directory]

/** Returns whether `listener` works in the directory of `owner` or below, or has a path in it on its command line. */
export const isWithin = ({ kind, name }: Owner, listener: Listener, inWorktree: InWorktree): boolean =>
  kind === "directory" &&
  pathsOf(listener).some((path) => path !== null && inside(path, name) && inWorktree(name, path))

/** Returns whether the compose project of a container is in `directory`, or around it in the same worktree. */
const isOfProject = (directory: string, { directory: home }: Container, inWorktree: InWorktree): boolean | undefined =>
  home === null ? undefined : isNested(home, directory) && inWorktree(directory, home)

/**
 * Returns whether `listener` belongs to `owner`: it works in its directory, or in one above or below of the same worktree, or
 * has a path inside it on its command line; or it is in its unit; or it is the proxy of its container. A container works in
 * the directory of its compose project. `undefined` if that is unknown, for example for an app that runs sometimes in a
 * container and sometimes not.
 */
export const isOf = (owner: Owner, listener: Listener, inWorktree: InWorktree): boolean | undefined => {
  const { container: known, process } = listener
  if (known !== null && owner.kind === "directory") return isOfProject(owner.name, known, inWorktree)
  if (process === null || process.manager) return undefined
  const { atHome, container, directory, proxy, unit } = process
  const inContainer = container !== null || known !== null
  if (inContainer !== (owner.kind === "container")) return undefined
  switch (owner.kind) {
    case "directory":
      if (isWithin(owner, listener, inWorktree)) return true
      if (directory === null || (directory === "/" && unit === null)) return undefined
      if (directory === "/" || !inside(owner.name, directory)) return false
      // What works in a home may belong to any project below it.
      return atHome ? undefined : inWorktree(owner.name, directory)
    case "unit":
      return unit === owner.name
    case "container":
      return proxy ? portInside(container) === owner.name : undefined
  }
}

/** An app, and the directory of it that a process of another app's port works in. */
export interface OtherApp {
  readonly app: string
  readonly directory: string
}

/**
 * Returns the app, other than that of `key`, in whose directory `listener` works: it serves the port of `key` by mistake.
 * Apps of one directory are not told apart, and specials often belong to an app, so only apps are compared.
 * `counts` chooses the owners to compare with.
 */
export const otherAppOf = (
  key: string,
  listener: Listener,
  owners: ReadonlyMap<string, KeyOwner>,
  inWorktree: InWorktree,
  counts: (owner: KeyOwner) => boolean = () => true
): OtherApp | undefined => {
  const app = appOf(key)
  const shown = ownerOf(listener)
  if (app === null || shown?.kind !== "directory") return undefined
  const directories = [...owners].filter(([, { kind }]) => kind === "directory")
  const isOwn = directories.some(
    ([other, owner]) => other !== key && appOf(other) === app && isWithin(owner, listener, inWorktree)
  )
  if (isOwn) return undefined
  for (const [other, owner] of directories) {
    const theirs = appOf(other)
    const isTheirs = inside(shown.name, owner.name) && inWorktree(owner.name, shown.name)
    if (theirs !== null && theirs !== app && counts(owner) && isTheirs) return { app: theirs, directory: owner.name }
  }
  return undefined
}

/** Describes an owner to users. */
export const describeOwner = ({ kind, name }: Owner): string =>
  kind === "container" ? `port ${name} of a container` : name
