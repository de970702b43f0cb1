import type { Listener, Process } from "./Listener.ts"

/** Whose a listener is, as far as a process shows it: it lasts over restarts. */
export interface Owner {
  readonly kind: "directory" | "unit" | "container"
  /** The directory, the unit, or the port inside the container. */
  readonly name: string
}

/** Whose a key is on one host. */
export interface KeyOwner extends Owner {
  /** When that was said or first seen; ISO 8601. */
  readonly since: string
  /** When it was last seen to serve the key's port; null where it never was. */
  readonly seen: string | null
}

/** A service manager holds sockets for others, and whose they are cannot be told. */
const MANAGER = 1

const portInside = (container: string | null): string => container?.split(":").at(-1) ?? ""

/**
 * The owner that `process` shows: the container that it is the proxy of, the directory it works in, or, where that is
 * the root and so says nothing, its unit. An address inside the container is another at each start, so the port counts.
 */
export const ownerOf = (process: Process | null): Owner | undefined => {
  if (process === null || process.pid === MANAGER) return undefined
  if (process.proxy) return { kind: "container", name: portInside(process.container) }
  const { directory, unit } = process
  if (directory !== null && directory !== "/") return { kind: "directory", name: directory }
  return unit === null ? undefined : { kind: "unit", name: unit }
}

const inside = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory.endsWith("/") ? directory : `${directory}/`)

/**
 * Whether `listener` is `owner`'s: in its directory, one above or below, or running a program of it; in its unit; of
 * its container. `undefined` where that cannot be told.
 */
export const isOf = (owner: KeyOwner, { process }: Listener): boolean | undefined => {
  const shown = ownerOf(process)
  if (process === null || shown === undefined) return undefined
  switch (owner.kind) {
    case "directory":
      // What runs in a container does not tell which directory it was started from.
      if (shown.kind === "container" && owner.seen === null) return undefined
      return (
        process.paths.some((path) => inside(path, owner.name)) ||
        (shown.kind === "directory" && (inside(shown.name, owner.name) || inside(owner.name, shown.name)))
      )
    case "unit":
      return process.unit === owner.name
    case "container":
      return shown.kind === "container" && shown.name === owner.name
  }
}

/** An owner for people. */
export const describeOwner = ({ kind, name }: Owner): string =>
  kind === "container" ? `port ${name} of a container` : name
