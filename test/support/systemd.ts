import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { copyOfProgram } from "./cli.ts"
import { until } from "./doctor.ts"
import { endWithFile } from "./ends.ts"
import { temporary } from "./root.ts"
import { ALICE } from "./users.ts"

/** A systemd of the test's own, with its own processes, network, /run, units and control groups, on the files of this machine. */
export interface Systemd {
  /** Runs a line of shell beside its services. */
  readonly sh: (line: string) => { readonly code: number | null; readonly stdout: string; readonly stderr: string }
}

/** What every service depends on. Those of this machine would set it up again. */
const TARGETS = ["sysinit", "basic", "shutdown", "multi-user", "default"]

/** Its users: root, whose registry is not this machine's, and one more. */
const PASSWD = `root:x:0:0::/run/root:/bin/sh\nalice:x:${ALICE}:${ALICE}::/run/alice:/bin/sh\n`

/** Where the control groups that systemd keeps may be mounted, and how they are mounted anew: the first version and the second. */
const HIERARCHIES = [
  { mount: "/sys/fs/cgroup/systemd", how: "-t cgroup -o none,name=systemd systemd" },
  { mount: "/sys/fs/cgroup/unified", how: "-t cgroup2 cgroup2" },
  { mount: "/sys/fs/cgroup", how: "-t cgroup2 cgroup2" }
].filter(({ mount }) => existsSync(join(mount, "cgroup.procs")))

const PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/** Runs as the first process of the namespaces, and becomes systemd. */
const BOOT = `set -e
${HIERARCHIES.map(({ how, mount }) => `umount ${mount}; mount ${how} ${mount}`).join("\n")}
mount -t tmpfs run /run
mount -t tmpfs units /etc/systemd/system
mount -t tmpfs lib /usr/local/lib
mount --bind "$1/bin" /usr/local/bin
mount --bind "$1/passwd" /etc/passwd
cp -a "$1/files/." /
exec env -i PATH=${PATH} container=ports-test SYSTEMD_UNIT_PATH=/etc/systemd/system \\
  SYSTEMD_LOG_TARGET=console /lib/systemd/systemd --system --unit=default.target`

/** Enters the control group, and then namespaces of its own. */
const ENTER = `for group in $2; do echo $$ >$group/cgroup.procs || exit 1; done; exec unshare --mount --net --pid --cgroup --ipc --uts --fork --kill-child \\
  --mount-proc --propagation private sh "$1/boot.sh" "$1"`

/** Removes a control group and those in it, once their processes are gone. */
const removeGroup = async (directory: string): Promise<void> => {
  for (const each of readdirSync(directory, { withFileTypes: true }))
    if (each.isDirectory()) await removeGroup(join(directory, each.name))
  await until(
    async () => readFileSync(join(directory, "cgroup.procs"), "utf8"),
    (pids) => pids === ""
  )
  rmdirSync(directory)
}

/**
 * Boots a systemd with these files, by their paths, of which those of units go to /etc/systemd/system, and with `d` and
 * `node` on its path. Undefined if this user may not have namespaces of his own.
 */
export const bootSystemd = async (files: Readonly<Record<string, string>>): Promise<Systemd | undefined> => {
  const place = temporary()
  const targets = TARGETS.map(
    (name) => [`/etc/systemd/system/${name}.target`, "[Unit]\nDefaultDependencies=no\n"] as const
  )
  for (const [path, text] of [...targets, ...Object.entries(files)]) {
    mkdirSync(join(place, "files", dirname(path)), { recursive: true })
    writeFileSync(join(place, "files", path), text)
  }
  mkdirSync(join(place, "bin"))
  symlinkSync(copyOfProgram(), join(place, "bin", "d"))
  symlinkSync(process.execPath, join(place, "bin", "node"))
  writeFileSync(join(place, "boot.sh"), BOOT)
  writeFileSync(join(place, "passwd"), PASSWD)

  const groups = HIERARCHIES.map(({ mount }) => join(mount, `ports-test-${basename(place)}`))
  const made: Array<string> = []
  try {
    for (const group of groups) {
      mkdirSync(group)
      made.push(group)
    }
  } catch (error) {
    for (const group of made) rmdirSync(group)
    if (!["EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error
    return undefined
  }
  const outer = spawn("sh", ["-c", ENTER, "sh", place, groups.join(" ")], { stdio: ["ignore", "pipe", "pipe"] })
  let said = ""
  for (const stream of [outer.stdout, outer.stderr]) stream.on("data", (chunk) => (said += chunk))
  const gone = new Promise((done) => outer.once("close", done))
  endWithFile(async () => {
    outer.kill("SIGKILL")
    await gone
    for (const group of groups) await removeGroup(group)
  })
  const first = (): string => readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, "utf8").trim()
  const sh = (line: string) => {
    const words = ["--target", first(), "--mount", "--net", "--pid", "--cgroup", "--ipc", "--uts", "sh", "-c", line]
    const { status, stderr, stdout } = spawnSync("nsenter", words, { encoding: "utf8", env: { PATH } })
    return { code: status, stdout, stderr }
  }
  const isOver = () => outer.exitCode !== null || outer.signalCode !== null
  // Before it is systemd, the first process still sees this machine's /run, and its systemd.
  const state = 'test "$(cat /proc/1/comm)" = systemd && systemctl is-system-running'
  await until(
    async () => (isOver() ? "over" : sh(state).stdout),
    (text) => /^(running|degraded|over)/.test(text)
  )
  if (!isOver()) return { sh }
  if (/Operation not permitted|permission denied/i.test(said)) return undefined
  throw new Error(said)
}
