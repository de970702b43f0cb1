import type { Listener, Process } from "./Listener.ts"

export const OWNER_KINDS = ["directory", "unit", "container"] as const

/** Whose a listener is, as far as a process shows it: it lasts over restarts. */
export interface Owner {
  readonly kind: (typeof OWNER_KINDS)[number]
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

const portInside = (container: string | null): string => container?.split(":").at(-1) ?? ""

/**
 * The owner that `process` shows: the container that it is the proxy of, the directory it works in, or, where that is
 * the root or a home and so says nothing, its unit. An address inside the container is another at each start, so the
 * port counts. A directory inside a container is none of this machine's.
 */
export const ownerOf = (process: Process | null): Owner | undefined => {
  if (process === null || process.manager) return undefined
  const { atHome, container, directory, proxy, unit } = process
  if (proxy) return { kind: "container", name: portInside(container) }
  if (container !== null) return undefined
  if (directory !== null && directory !== "/" && !atHome) return { kind: "directory", name: directory }
  return unit === null ? undefined : { kind: "unit", name: unit }
}

const inside = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory.endsWith("/") ? directory : `${directory}/`)

/**
 * Whether `listener` is `owner`'s: in its directory, one above or below, or running a program of it; in its unit; of
 * its container. `undefined` where that cannot be told, as for an app that now runs in a container and then does not.
 */
export const isOf = (owner: Owner, { process }: Listener): boolean | undefined => {
  if (process === null || process.manager) return undefined
  const { container, directory, paths, proxy, unit } = process
  const inContainer = container !== null
  if (inContainer !== (owner.kind === "container")) return undefined
  switch (owner.kind) {
    case "directory":
      if (paths.some((path) => inside(path, owner.name))) return true
      if (directory === null || (directory === "/" && unit === null)) return undefined
      return directory !== "/" && (inside(directory, owner.name) || inside(owner.name, directory))
    case "unit":
      return unit === owner.name
    case "container":
      return proxy ? portInside(container) === owner.name : undefined
  }
}

/** An owner for people. */
export const describeOwner = ({ kind, name }: Owner): string =>
  kind === "container" ? `port ${name} of a container` : name
