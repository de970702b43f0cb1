import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { basename, isAbsolute } from "node:path"
import type { Process } from "../domain/Listener.ts"
import { readOr } from "./readOr.ts"

/**
 * Inode of a socket → the pid that has it open, for the processes that this user may look into. Pid 1 is asked last: a
 * service manager keeps a socket that it has handed to a service.
 */
export const ownersOf = (inodes: ReadonlySet<string>): Map<string, number> => {
  const owners = new Map<string, number>()
  const pids = readOr(() => readdirSync("/proc"), []).filter((name) => /^\d+$/.test(name) && name !== "1")
  for (const pid of [...pids, "1"]) {
    if (owners.size === inodes.size) break
    for (const descriptor of readOr(() => readdirSync(`/proc/${pid}/fd`), [])) {
      const inode = /^socket:\[(\d+)\]$/.exec(readOr(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`), ""))?.[1]
      if (inode !== undefined && inodes.has(inode) && !owners.has(inode)) owners.set(inode, Number(pid))
    }
  }
  return owners
}

/** Ticks of the clock that the kernel counts a process's start in, per second: always 100 for what it shows of it. */
const HERTZ = 100

/** When this machine was started, in seconds since 1970. */
const bootTime = (): number =>
  Number(/^btime (\d+)$/m.exec(readOr(() => readFileSync("/proc/stat", "utf8"), ""))?.[1] ?? Number.NaN)

/** The service that a process belongs to, as the service manager named its group. A session of a user is none. */
export const unitIn = (cgroup: string): string | null =>
  cgroup
    .split(/[\n/]/)
    .filter((part) => part.endsWith(".service") && !part.startsWith("user@"))
    .at(-1) ?? null

/** The short number of the container that a process runs in. */
export const containerIn = (cgroup: string): string | null =>
  /(?:docker|libpod|containerd|crio)[-/:]([0-9a-f]{12})[0-9a-f]{52}/.exec(cgroup)?.[1] ?? null

/** What can be told of a process. */
export const processOf = (pid: number): Process => {
  const read = (name: string) => readOr(() => readFileSync(`/proc/${pid}/${name}`, "utf8"), "")
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
  const directory = readOr(() => readlinkSync(`/proc/${pid}/cwd`), null)
  return {
    pid,
    command: name === "" ? null : name,
    directory: directory === null ? null : directory.replace(/ \(deleted\)$/, ""),
    paths: words.filter(isAbsolute),
    unit: unitIn(cgroup),
    container: inner === undefined ? containerIn(cgroup) : `${after("-container-ip") ?? ""}:${inner}`,
    proxy: inner !== undefined,
    startedAt: Number.isFinite(started) ? new Date(started * 1000).toISOString() : null,
    stopped: /^[Tt]$/.test(state)
  }
}

/** Login names by uid. */
export const readUsers = (): ReadonlyMap<number, string> =>
  new Map(
    readOr(() => readFileSync("/etc/passwd", "utf8"), "")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name = "", , uid]): [number, string] => [Number(uid), name])
  )
