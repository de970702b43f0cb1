import { isUtf8 } from "node:buffer"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { basename, isAbsolute } from "node:path"
import { cut, LIMITS } from "../domain/foreignText.ts"
import type { Engine, Process } from "../domain/Listener.ts"
import { tryRead } from "./tryRead.ts"

/** Whether a process is pid 1 or a user's service manager. If pid 1 is a container's app, its owner stays unknown. */
const isManager = (pid: number): boolean =>
  pid === 1 || tryRead(() => readFileSync(`/proc/${pid}/comm`, "utf8"), "").trim() === "systemd"

/** Inode of a socket → the descriptor at which it was last found: a process keeps its sockets. */
const places = new Map<string, string>()
const PLACES_MAX = 10_000

/** How long the event loop may be blocked, in milliseconds: a machine may have very many descriptors. */
const SLICE_MS = 20

/** Makes a function that returns a promise to await when it is time to let other work run. */
const makePause = () => {
  let began = performance.now()
  return (): Promise<void> | undefined => {
    if (performance.now() - began <= SLICE_MS) return undefined
    return new Promise((done) =>
      setImmediate(() => {
        began = performance.now()
        done()
      })
    )
  }
}

/** Returns the inode of the socket that is open at `place`, a descriptor in /proc. */
const inodeAt = (place: string): string | undefined =>
  /^socket:\[(\d+)\]$/.exec(tryRead(() => readlinkSync(place), ""))?.[1]

/** Returns the pids of those of `inodes` that are still open at the descriptor where they were last found. */
const findAgain = (inodes: ReadonlySet<string>): Map<string, number> => {
  const owners = new Map<string, number>()
  for (const inode of inodes) {
    const place = places.get(inode)
    if (place !== undefined && inodeAt(place) === inode) owners.set(inode, Number(place.split("/")[2]))
  }
  return owners
}

/** Yields the descriptors of process `pid` that are sockets, with the inode of each. */
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
 * Returns the pid that has each socket open, by inode, for the processes that this user may inspect. A service manager
 * keeps a socket that it has passed to a service, so it counts as the owner only if there is no other.
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

/** Clock ticks per second in the start time that the kernel reports of a process: always 100. */
const HERTZ = 100

/** Returns when this machine was booted, in seconds since 1970. */
const bootTime = (): number =>
  Number(/^btime (\d+)$/m.exec(tryRead(() => readFileSync("/proc/stat", "utf8"), ""))?.[1] ?? Number.NaN)

/**
 * Returns the service that a process belongs to, from the path of its cgroup. The name is never truncated, because a
 * truncated one could match another service. A user's session is not a service.
 */
export const unitIn = (cgroup: string): string | null =>
  cgroup
    .split(/[\n/]/)
    .filter((part) => part.endsWith(".service") && !part.startsWith("user@") && part.length <= LIMITS.unit)
    .at(-1) ?? null

/** The engine of a container, by the word before its id in the path of its cgroup. */
const ENGINES: Readonly<Record<string, Engine>> = {
  docker: "docker",
  libpod: "podman",
  containerd: "crictl",
  crio: "crictl"
}

/** The programs of an engine that listen on behalf of containers, or that all containers depend on. */
const PARTS: Readonly<Record<string, Engine>> = {
  "com.docker.backend": "docker",
  "docker-proxy": "docker",
  dockerd: "docker",
  limactl: "docker",
  rootlesskit: "docker",
  conmon: "podman",
  gvproxy: "podman",
  pasta: "podman",
  rootlessport: "podman",
  slirp4netns: "podman"
}

/** Returns the short id of the container that a process runs in, and its engine. */
export const containerIn = (cgroup: string): { readonly id: string; readonly engine: Engine } | undefined => {
  const [, word = "", id = ""] = /(docker|libpod|containerd|crio)[-/:]([0-9a-f]{12})[0-9a-f]{52}/.exec(cgroup) ?? []
  const engine = ENGINES[word]
  return engine === undefined ? undefined : { id, engine }
}

/**
 * Returns the working directory of a process; null if it is not UTF-8, because with replacement characters it would
 * name another directory. The kernel marks a removed directory with ` (deleted)`.
 */
const directoryOf = (pid: number): string | null => {
  const bytes = tryRead(() => readlinkSync(`/proc/${pid}/cwd`, "buffer"), null)
  return bytes !== null && isUtf8(bytes) ? bytes.toString().replace(/ \(deleted\)$/, "") : null
}

/** Returns the fields of a process's status from the third on: before them is its name, which may contain anything. */
const statOf = (pid: number): ReadonlyArray<string> =>
  tryRead(() => readFileSync(`/proc/${pid}/stat`, "utf8"), "")
    .replace(/^.*\) /s, "")
    .split(" ")

/** The positions of the parent and the start time in those fields. */
const PARENT = 1
const STARTED = 19

/** Returns the process that started another one; 0 if there is none. */
export const parentOf = (pid: number): number => Number(statOf(pid)[PARENT] ?? 0)

/**
 * Returns when a process was started, in ticks since this machine was booted; undefined if there is none. With its pid that
 * identifies it: a time of day changes with the clock.
 */
export const startOf = (pid: number): string | undefined => statOf(pid)[STARTED]

/** Whether a process exists, of whichever user. */
export const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH")
  }
}

/** Returns the command line of a process, as far as this user may read it. */
export const commandLineOf = (pid: number): string =>
  tryRead(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"), "")
    .split("\0")
    .join(" ")
    .trim()

/** Describes a process, as far as this user may inspect it. `homes` are the home directories of all users. */
export const processOf = (pid: number, homes: ReadonlySet<string>): Process => {
  const read = (name: string) => tryRead(() => readFileSync(`/proc/${pid}/${name}`, "utf8"), "")
  const words = read("cmdline").split("\0")
  const [program = ""] = words
  const name = program === "" ? read("comm").trim() : basename(program)
  const stat = statOf(pid)
  const started = bootTime() + Number(stat[STARTED]) / HERTZ
  const cgroup = read("cgroup")
  const after = (option: string) => (words.includes(option) ? words[words.indexOf(option) + 1] : undefined)
  // These are options of docker-proxy.
  const inner = after("-container-port")
  const directory = directoryOf(pid)
  const inside = containerIn(cgroup)
  return {
    pid,
    command: name === "" ? null : cut(name, LIMITS.name),
    directory,
    atHome: directory !== null && homes.has(directory),
    paths: words.filter((word) => isAbsolute(word) && word.length <= LIMITS.path),
    unit: unitIn(cgroup),
    userUnit: /\/user@\d+\.service\//.test(cgroup),
    container:
      inner === undefined ? (inside?.id ?? null) : cut(`${after("-container-ip") ?? ""}:${inner}`, LIMITS.name),
    engine: inside?.engine ?? PARTS[name] ?? (inner === undefined ? null : "docker"),
    proxy: inner !== undefined,
    startedAt: Number.isFinite(started) ? new Date(started * 1000).toISOString() : null,
    manager: isManager(pid),
    // State `t` (traced) is a debugger; only `T` counts as stopped.
    stopped: stat[0] === "T"
  }
}

/** Reads the users of this system: their login names by uid, and their homes. */
export const readUsers = (): { readonly names: ReadonlyMap<number, string>; readonly homes: ReadonlySet<string> } => {
  const users = tryRead(() => readFileSync("/etc/passwd", "utf8"), "")
    .split("\n")
    .map((line) => line.split(":"))
  return {
    names: new Map(users.map(([name = "", , uid]) => [Number(uid), name])),
    homes: new Set(users.flatMap(([, , , , , home]) => home ?? []))
  }
}

/** Returns a user's login name, or `uid N` if there is none. */
export const nameOfUser = (uid: number): string => readUsers().names.get(uid) ?? `uid ${uid}`
