import { lstat, readdir, readFile, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { inside } from "../domain/Owner.ts"
import type { Doubt } from "../domain/Prune.ts"

/** What the file system says of a directory; `at` is the nearest directory that is there. */
export type Looked =
  | { readonly _tag: "There" }
  | { readonly _tag: "Missing"; readonly at: string; readonly doubt: Doubt | undefined }

/** Where disks are mounted that come and go, in directories that may come and go with them. */
const REMOVABLE = ["/media", "/run/media", "/mnt", "/Volumes", "/net"]

/** How long to wait for the file system: one on a server that is away may never answer. */
const LIMIT_MS = 2000

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "an unknown error"

/** A line of mountinfo(5): the fifth field is the place, and the first after the dash the type. Spaces are `\040`. */
const AUTOMATIC = /^(?:\S+ ){4}(\S+) .* - autofs /gm

/** Returns the places where disks are mounted at the first use. */
const automaticPlaces = async (): Promise<ReadonlyArray<string>> => {
  const mounts = await readFile("/proc/self/mountinfo", "utf8").catch(() => "")
  return [...mounts.matchAll(AUTOMATIC)].map(([, place = ""]) =>
    place.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  )
}

/** Returns the place of mounts that `path` is in, if nothing is mounted there that holds `at`. */
const unmountedPlace = async (path: string, at: string): Promise<string | undefined> => {
  const device = (await stat(at)).dev
  for (const place of [...REMOVABLE, ...(await automaticPlaces())]) {
    if (place === "/" || !inside(path, place)) continue
    if (!inside(at, place) || (await stat(place)).dev === device) return place
  }
  return undefined
}

/** Returns the nearest directory above `path` that is there, or why that cannot be told. */
const nearestAbove = async (path: string): Promise<string | Doubt> => {
  for (let current = path; ; current = dirname(current)) {
    try {
      const isLink = (await lstat(current)).isSymbolicLink()
      const found = await stat(current).catch((error) => codeOf(error))
      if (typeof found !== "string") return found.isDirectory() ? current : { why: "no-directory" }
      return isLink && found === "ENOENT" ? { why: "link", at: current } : { why: "unreadable", code: found }
    } catch (error) {
      if (codeOf(error) !== "ENOENT") return { why: "unreadable", code: codeOf(error) }
    }
  }
}

/** Finds out why a missing directory may be there all the same. */
const doubtOf = async (path: string, at: string): Promise<Doubt | undefined> => {
  const place = await unmountedPlace(path, at)
  if (place !== undefined) return { why: "unmounted", at: place }
  // A disk may be mounted on a directory that is empty without it.
  const isEmpty = (await readdir(at)).length === 0
  if (at !== dirname(path)) return { why: "no-parent", at }
  return isEmpty ? { why: "empty", at } : undefined
}

const look = async (path: string): Promise<Looked> => {
  const doubtful = (doubt: Doubt, at = "/"): Looked => ({ _tag: "Missing", at, doubt })
  try {
    return (await stat(path)).isDirectory() ? { _tag: "There" } : doubtful({ why: "no-directory" })
  } catch (error) {
    if (codeOf(error) !== "ENOENT") return doubtful({ why: "unreadable", code: codeOf(error) })
  }
  const at = await nearestAbove(path)
  if (typeof at !== "string") return doubtful(at)
  // It was made meanwhile.
  if (at === path) return { _tag: "There" }
  try {
    return { _tag: "Missing", at, doubt: await doubtOf(path, at) }
  } catch (error) {
    return doubtful({ why: "unreadable", code: codeOf(error) }, at)
  }
}

/**
 * How many file systems that do not answer are tried before all are taken for such: each that hangs takes one of the few
 * threads of this process for the file system.
 */
export const SLOW_MAX = 2

/** Returns what `work` finds, or `late` if the file system does not answer in time. */
const inTime = async <A>(work: Promise<A>, late: A): Promise<A> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const isLate = new Promise<A>((done) => {
    timer = setTimeout(() => done(late), LIMIT_MS)
  })
  try {
    return await Promise.race([work, isLate])
  } finally {
    clearTimeout(timer)
  }
}

/** Looks whether there is a directory at `path`, and if there is none, whether that is certain. */
export const lookFor = (path: string): Promise<Looked> =>
  inTime(look(path), { _tag: "Missing", at: "/", doubt: { why: "slow" } })

/** Looks whether there is anything at `path`. */
export const isThere = (path: string): Promise<boolean | "slow"> =>
  inTime<boolean | "slow">(
    stat(path).then(
      () => true,
      () => false
    ),
    "slow"
  )

/** Looks whether there is anything at a path; not if its file system does not answer. */
export type IsThere = (path: string) => Promise<boolean>

/** Makes a function that looks at each path once, and at no more once some do not answer. */
export const makeIsThere = (): IsThere => {
  const known = new Map<string, boolean>()
  let slow = 0
  return async (path) => {
    const before = known.get(path)
    if (before !== undefined || slow === SLOW_MAX) return before === true
    const found = await isThere(path)
    if (found === "slow") slow++
    known.set(path, found === true)
    return found === true
  }
}
