import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { type Machine, PROGRAM } from "../support/cli.ts"
import { temporary } from "../support/root.ts"

/** One thing that a process told the system, in the order in which it was done. */
export type Event =
  | { readonly _tag: "Create" | "Remove" | "Sync"; readonly path: string }
  | { readonly _tag: "Write"; readonly path: string; readonly at: number; readonly data: Buffer }
  | { readonly _tag: "Truncate"; readonly path: string; readonly length: number }
  | { readonly _tag: "Say"; readonly text: string }

const CALLS = "openat,pwrite64,ftruncate,fsync,fdatasync,unlink,write"

/** `"\x61"` → the bytes that strace wrote out with -xx. */
const bytes = (text: string): Buffer => Buffer.from(text.replaceAll("\\x", ""), "hex")
const string = (text: string): string => bytes(text).toString()

/** A line of strace's, whose beginning and end stand apart if another thread did something meanwhile. */
const whole = (log: string): ReadonlyArray<string> => {
  const begun = new Map<string, string>()
  return log.split("\n").flatMap((line) => {
    const [, pid = "", rest = ""] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    if (rest.endsWith("<unfinished ...>")) {
      begun.set(pid, rest.slice(0, -"<unfinished ...>".length))
      return []
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    return resumed === null ? rest : `${begun.get(pid) ?? ""}${resumed[1]}`
  })
}

/** Hexadecimal text in quotes, and a descriptor with its path. */
const TEXT = '"((?:\\\\x[0-9a-f]{2})*)"'
const FILE = "\\d+<((?:\\\\x[0-9a-f]{2})*)>"

const eventOf = (line: string): Event | undefined => {
  const match = (pattern: string) => new RegExp(`^${pattern}`).exec(line)?.slice(1)
  const created = match(`openat\\(\\S+, ${TEXT}, \\S*O_CREAT\\S*, \\d+\\) += \\d`)
  if (created) return { _tag: "Create", path: string(created[0] ?? "") }
  const removed = match(`unlink\\(${TEXT}\\) += 0`)
  if (removed) return { _tag: "Remove", path: string(removed[0] ?? "") }
  const synced = match(`f(?:data)?sync\\(${FILE}\\) += 0`)
  if (synced) return { _tag: "Sync", path: string(synced[0] ?? "") }
  const truncated = match(`ftruncate\\(${FILE}, (\\d+)\\) += 0`)
  if (truncated) return { _tag: "Truncate", path: string(truncated[0] ?? ""), length: Number(truncated[1]) }
  const written = match(`pwrite64\\(${FILE}, ${TEXT}, \\d+, (\\d+)\\) += \\d`)
  if (written)
    return { _tag: "Write", path: string(written[0] ?? ""), data: bytes(written[1] ?? ""), at: Number(written[2]) }
  const said = match(`write\\(1<[^>]*>, ${TEXT}, \\d+\\) += \\d`)
  return said ? { _tag: "Say", text: string(said[0] ?? "") } : undefined
}

/** What `commands` of `d`, one after the other, tell the system to do with the files beside the database, and say. */
export const record = (box: Machine, database: string, commands: ReadonlyArray<string>): ReadonlyArray<Event> => {
  const log = join(temporary(), "log")
  const line = commands.map((words) => `${process.execPath} ${PROGRAM} ${words}`).join(" && ")
  execFileSync("strace", ["-f", "-y", "-xx", "-s", "1000000", "-e", `trace=${CALLS}`, "-o", log, "sh", "-c", line], {
    env: box.env,
    cwd: box.home
  })
  return whole(readFileSync(log, "latin1"))
    .flatMap((each) => eventOf(each) ?? [])
    .filter((event) => event._tag === "Say" || `${event.path}/`.startsWith(`${dirname(database)}/`))
    .filter((event) => event._tag === "Say" || !event.path.endsWith("-shm"))
}

type Change = Event & { readonly _tag: "Write" | "Truncate" }

/** A file: what the disk certainly has of it, and what it may have got since. */
interface File {
  synced: Buffer
  pending: Array<Change>
}

const applied = (content: Buffer, change: Change): Buffer => {
  if (change._tag === "Truncate") {
    const result = Buffer.alloc(change.length)
    content.copy(result)
    return result
  }
  const result = Buffer.alloc(Math.max(content.length, change.at + change.data.length))
  content.copy(result)
  change.data.copy(result, change.at)
  return result
}

/** What a disk writes at once, in bytes. */
const SECTOR = 512

/** Of `change` all, nothing, or as many sectors as reached the disk. */
const torn = (change: Change, random: () => number): ReadonlyArray<Change> => {
  const kind = random()
  if (kind < 0.4) return [change]
  if (kind < 0.8 || change._tag === "Truncate") return []
  const sectors = Math.floor((random() * change.data.length) / SECTOR)
  return [{ ...change, data: change.data.subarray(0, sectors * SECTOR) }]
}

/**
 * Writes to `directory` what a disk may hold when the power goes after `events`: all that was synced, and of the rest
 * whatever `random` chooses, in parts and in any order, names of files included.
 */
export const cutAfter = (events: ReadonlyArray<Event>, directory: string, random: () => number): void => {
  /** What each name may stand for: the last is what it does, the others until its directory is synced. */
  const names = new Map<string, Array<File | undefined>>()
  const now = (path: string): File | undefined => names.get(path)?.at(-1)
  const become = (path: string, file: File | undefined) => names.set(path, [...(names.get(path) ?? [undefined]), file])
  for (const event of events) {
    switch (event._tag) {
      case "Create":
        if (now(event.path) === undefined) become(event.path, { synced: Buffer.alloc(0), pending: [] })
        break
      case "Remove":
        become(event.path, undefined)
        break
      case "Write":
      case "Truncate":
        now(event.path)?.pending.push(event)
        break
      case "Sync": {
        const file = now(event.path)
        if (file !== undefined) {
          file.synced = file.pending.reduce(applied, file.synced)
          file.pending = []
        }
        for (const [path, files] of names) if (dirname(path) === event.path) names.set(path, files.slice(-1))
      }
    }
  }
  mkdirSync(directory)
  for (const [path, files] of names) {
    const file = files[Math.floor(random() * files.length)]
    if (file === undefined) continue
    const reached = file.pending.flatMap((change) => torn(change, random))
    writeFileSync(join(directory, basename(path)), reached.reduce(applied, file.synced))
  }
}
