import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { PROGRAM } from "./cli.ts"
import { until } from "./doctor.ts"
import { endWithFile } from "./ends.ts"
import { temporary } from "./root.ts"

/** A systemd of the test's own, with its own processes, /run, units and control groups, on the files of this machine. */
export interface Systemd {
  /** Runs a line of shell beside its services. */
  readonly sh: (line: string) => { readonly code: number | null; readonly stdout: string; readonly stderr: string }
}

/** What every service depends on. Those of this machine would set it up again. */
const TARGETS = ["sysinit", "basic", "shutdown", "multi-user", "default"]

const V1 = "/sys/fs/cgroup/systemd"

/** Runs as the first process of the namespaces, and becomes systemd. */
const BOOT = `set -e
if [ -d ${V1} ]; then
  umount ${V1}
  mount -t cgroup -o none,name=systemd systemd ${V1}
else
  umount /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
mount -t tmpfs run /run
mount -t tmpfs units /etc/systemd/system
mount --bind "$1/bin" /usr/local/bin
cp -a "$1/files/." /
exec env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=ports-test SYSTEMD_UNIT_PATH=/etc/systemd/system \\
  SYSTEMD_LOG_TARGET=console /lib/systemd/systemd --system --unit=default.target`

/** Enters the control group, and then namespaces of its own. */
const ENTER = `echo $$ >"$1/cgroup.procs" && exec unshare --mount --pid --cgroup --ipc --uts --fork --kill-child \\
  --mount-proc --propagation private sh "$2/boot.sh" "$2"`

/** Removes a control group and those in it, once their processes are gone. */
const removeGroups = (directory: string): void => {
  for (const each of readdirSync(directory, { withFileTypes: true }))
    if (each.isDirectory()) removeGroups(join(directory, each.name))
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
  symlinkSync(PROGRAM, join(place, "bin", "d"))
  symlinkSync(process.execPath, join(place, "bin", "node"))
  writeFileSync(join(place, "boot.sh"), BOOT)

  const group = join(existsSync(V1) ? V1 : "/sys/fs/cgroup", `ports-test-${process.pid}`)
  try {
    mkdirSync(group)
  } catch {
    return undefined
  }
  const outer = spawn("sh", ["-c", ENTER, "sh", group, place], { stdio: ["ignore", "pipe", "pipe"] })
  let said = ""
  for (const stream of [outer.stdout, outer.stderr]) stream.on("data", (chunk) => (said += chunk))
  const gone = new Promise((done) => outer.once("close", done))
  endWithFile(async () => {
    outer.kill("SIGKILL")
    await gone
    await until(
      async () => readFileSync(join(group, "cgroup.procs"), "utf8"),
      (pids) => pids === ""
    )
    removeGroups(group)
  })
  const first = (): string => readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, "utf8").trim()
  const sh = (line: string) => {
    const words = ["--target", first(), "--mount", "--pid", "--cgroup", "--ipc", "--uts", "sh", "-c", line]
    const { status, stderr, stdout } = spawnSync("nsenter", words, { encoding: "utf8" })
    return { code: status, stdout, stderr }
  }
  await until(
    async () => (outer.exitCode === null ? sh("systemctl is-system-running").stdout : "ended"),
    (state) => /^(running|degraded|ended)/.test(state)
  )
  if (outer.exitCode === null) return { sh }
  if (/Operation not permitted|permission denied/i.test(said)) return undefined
  throw new Error(said)
}
