import { isUtf8 } from "node:buffer"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { basename, isAbsolute } from "node:path"
import { cut, LIMITS } from "../domain/foreignText.ts"
import type { Process } from "../domain/Listener.ts"
import { tryRead } from "./tryRead.ts"

/** Pid 1, and the manager of a user's services. In a container pid 1 may be the app; then whose it is stays open. */
const isManager = (pid: number): boolean =>
  pid === 1 || tryRead(() => readFileSync(`/proc/${pid}/comm`, "utf8"), "").trim() === "systemd"

/** Inode of a socket → the descriptor that it was found at last: a process keeps its sockets. */
const places = new Map<string, string>()
const PLACES_MAX = 10_000

/** How long other work of this process is held up, in milliseconds: a machine may have very many descriptors. */
const STRETCH_MS = 20

/** Returns a function that returns a promise to wait for when it is time to let other work run. */
const makePause = () => {
  let began = performance.now()
  return (): Promise<void> | undefined => {
    if (performance.now() - began <= STRETCH_MS) return undefined
    return new Promise((done) =>
      setImmediate(() => {
        began = performance.now()
        done()
      })
    )
  }
}

/** The inode of the socket that is open at `place`, a descriptor in /proc. */
const inodeAt = (place: string): string | undefined =>
  /^socket:\[(\d+)\]$/.exec(tryRead(() => readlinkSync(place), ""))?.[1]

/** Finds those of `inodes` that are still open where they were found last. */
const findAgain = (inodes: ReadonlySet<string>): Map<string, number> => {
  const owners = new Map<string, number>()
  for (const inode of inodes) {
    const place = places.get(inode)
    if (place !== undefined && inodeAt(place) === inode) owners.set(inode, Number(place.split("/")[2]))
  }
  return owners
}

/** The descriptors of process `pid` that are sockets, with the inode of each. */
const socketsOf = async function* (pid: string, pause: ReturnType<typeof makePause>) {
  for (const descriptor of tryRead(() => readdirSync(`/proc/${pid}/fd`), [])) {
    const pausing = pause()
    if (pausing !== undefined) await pausing
    const place = `/proc/${pid}/fd/${descriptor}`
    const inode = inodeAt(place)
    if (inode !== undefined) yield { inode, place }
  }
}

/**
 * Returns the pid that has each socket open, by inode, for the processes that this user may look into. A service manager
 * keeps a socket that it has handed to a service, so it is the owner only if there is no other.
 */
export const ownersOf = async (inodes: ReadonlySet<string>): Promise<Map<string, number>> => {
  const owners = findAgain(inodes)
  const managers = new Map<string, number>()
  const pause = makePause()
  if (places.size > PLACES_MAX) places.clear()
  for (const pid of tryRead(() => readdirSync("/proc"), []).filter((name) => /^\d+$/.test(name))) {
    if (owners.size === inodes.size) break
    let manager: boolean | undefined
    for await (const { inode, place } of socketsOf(pid, pause)) {
      if (!inodes.has(inode)) continue
      manager ??= isManager(Number(pid))
      const found = manager ? managers : owners
      if (found.has(inode)) continue
      found.set(inode, Number(pid))
      if (!manager) places.set(inode, place)
    }
  }
  return new Map([...managers, ...owners])
}

/** Ticks of the clock that the kernel counts a process's start in, per second: always 100 for what it shows of it. */
const HERTZ = 100

/** When this machine was started, in seconds since 1970. */
const bootTime = (): number =>
  Number(/^btime (\d+)$/m.exec(tryRead(() => readFileSync("/proc/stat", "utf8"), ""))?.[1] ?? Number.NaN)

/**
 * The service that a process belongs to, as the service manager named its group: whole, because it tells one service from
 * another. A session of a user is none.
 */
export const unitIn = (cgroup: string): string | null =>
  cgroup
    .split(/[\n/]/)
    .filter((part) => part.endsWith(".service") && !part.startsWith("user@") && part.length <= LIMITS.unit)
    .at(-1) ?? null

/** The short number of the container that a process runs in. */
export const containerIn = (cgroup: string): string | null =>
  /(?:docker|libpod|containerd|crio)[-/:]([0-9a-f]{12})[0-9a-f]{52}/.exec(cgroup)?.[1] ?? null

/**
 * Where a process works; null if the name is not in UTF-8, because what stands for its bytes would name another
 * directory. The kernel marks one that was removed.
 */
const directoryOf = (pid: number): string | null => {
  const bytes = tryRead(() => readlinkSync(`/proc/${pid}/cwd`, "buffer"), null)
  return bytes !== null && isUtf8(bytes) ? bytes.toString().replace(/ \(deleted\)$/, "") : null
}

/** What can be told of a process. `homes` are the directories of users. */
export const processOf = (pid: number, homes: ReadonlySet<string>): Process => {
  const read = (name: string) => tryRead(() => readFileSync(`/proc/${pid}/${name}`, "utf8"), "")
  const words = read("cmdline").split("\0")
  const [program = ""] = words
  const name = program === "" ? read("comm").trim() : basename(program)
  // The name, in brackets, may itself hold brackets and spaces.
  const [state = "", ...stat] = read("stat")
    .replace(/^.*\) /s, "")
    .split(" ")
  const started = bootTime() + Number(stat[18]) / HERTZ
  const cgroup = read("cgroup")
  const after = (option: string) => (words.includes(option) ? words[words.indexOf(option) + 1] : undefined)
  // docker-proxy says it this way.
  const inner = after("-container-port")
  const directory = directoryOf(pid)
  return {
    pid,
    command: name === "" ? null : cut(name, LIMITS.name),
    directory,
    atHome: directory !== null && homes.has(directory),
    paths: words.filter((word) => isAbsolute(word) && word.length <= LIMITS.path),
    unit: unitIn(cgroup),
    container: inner === undefined ? containerIn(cgroup) : cut(`${after("-container-ip") ?? ""}:${inner}`, LIMITS.name),
    proxy: inner !== undefined,
    startedAt: Number.isFinite(started) ? new Date(started * 1000).toISOString() : null,
    manager: isManager(pid),
    // A debugger's stop is a small t: it goes on by itself, or is somebody's at work.
    stopped: state === "T"
  }
}

/** The users that the system knows: login names by uid, and their homes. */
export const readUsers = (): { readonly names: ReadonlyMap<number, string>; readonly homes: ReadonlySet<string> } => {
  const users = tryRead(() => readFileSync("/etc/passwd", "utf8"), "")
    .split("\n")
    .map((line) => line.split(":"))
  return {
    names: new Map(users.map(([name = "", , uid]) => [Number(uid), name])),
    homes: new Set(users.flatMap(([, , , , , home]) => home ?? []))
  }
}
