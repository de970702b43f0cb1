import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { type Machine, machine } from "../support/cli.ts"
import { isRoot } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"
import { inSandbox, refusing } from "../support/sandbox.ts"

const ENV = {
  AUTOMATELINUX_APP_RANGE: "29800-29899",
  AUTOMATELINUX_SPECIAL_RANGE: "29900-29999",
  AUTOMATELINUX_DAEMON: "never",
  AUTOMATELINUX_DATABASE_TIMEOUT: "500 millis"
}

const used = async (): Promise<Machine> => {
  const box = machine(ENV)
  await box.ok("allocate", "--app", "cad")
  return box
}

/** What a file system refuses, how, and what is said of it. */
const REFUSALS = [
  [
    "locks",
    "ENOLCK",
    "its file system refuses locks, as NFS without a lock service does",
    "name a file on a local disk"
  ],
  ["locks", "EOPNOTSUPP", "its file system does not support locks", "name a file on a local disk"],
  ["shared memory", "ENODEV", "its file system does not support shared memory", "name a file on a local disk"],
  ["writes", "EDQUOT", "the disk quota is exceeded", "free some space, or ask for a larger quota"],
  ["writes", "ENOSPC", "the disk is full", "free some space: df -h "],
  ["writes", "EIO", "the disk reports an error", "see the system's log: dmesg"],
  ["writes", "ESTALE", "its file system was unmounted, or is no longer exported", "mount it again, or name a file on "]
] as const

describe.each(REFUSALS)("a file system that refuses %s with %s", (what, code, reason, hint) => {
  it("is named, and what helps with it", async () => {
    const box = await used()
    const run = await inSandbox(box, refusing(what, code), "allocate --app new")
    expect([run.code, run.stdout]).toEqual([3, ""])
    expect(run.stderr).toMatch(/^error: .*\nhint: .*\n$/)
    expect(run.stderr).toContain(`: ${reason}\nhint: ${hint}`)
    const { findings } = JSON.parse((await inSandbox(box, refusing(what, code), "doctor --json")).stdout)
    expect(findings[0]).toMatchObject({ check: "store-reachable", severity: "error", evidence: reason })
  })

  it("loses nothing, and says nothing untrue", async () => {
    const box = await used()
    const run = await inSandbox(box, refusing(what, code), "getPort --key cad-dev")
    if (code === "ENOLCK") expect([run.code, run.stdout]).toEqual([3, ""])
    else expect(run).toEqual({ code: 0, stdout: "29801\n", stderr: "" })
    expect(await box.ok("allocate", "--app", "new")).toBe("new-prod 29802\nnew-dev 29803\n")
  })
})

describe.skipIf(!isRoot)("a disk that is full", () => {
  /** Runs a line of shell with the registry on a disk of its own, in `$DISK`. */
  const onDisk = (box: Machine, line: string) =>
    box.sh(`unshare --mount sh -c 'mount -t tmpfs -o size=300k none $DISK && ${line}'`)

  it("is found by doctor before a change fails, and what is stored can be read", async () => {
    const disk = temporary()
    const box = machine({ ...ENV, DISK: disk, AUTOMATELINUX_DATABASE_URL: `sqlite:${join(disk, "ports.sqlite")}` })
    const d = `${process.execPath} ${join(process.cwd(), "dist/d.cjs")}`
    const run = await onDisk(
      box,
      `${d} allocate --app cad; cat /dev/zero 2>&- > $DISK/fill; ${d} getPort --key cad-dev;
       ${d} doctor --check store-reachable; ${d} allocate --app new; ls -A $DISK | grep probe; rm $DISK/fill;
       ${d} doctor --check store-reachable >&2 && ${d} allocate --app new`
    )
    expect(run.code).toBe(0)
    expect(run.stdout).toMatch(
      /^cad-prod 29800\ncad-dev 29801\n29801\nerror {2}store-reachable\n.*\n {4}evidence: the disk is full\n {4}note: free some space: df -h \S+\n\n.*\nnew-prod 29802\nnew-dev 29803\n$/
    )
    expect(run.stderr).toMatch(/^error: .* can only be read: the disk is full\nhint: free some space: df -h \S+\n/)
  })
})

/** The words before a program to which every file system seems to have this number, written by its bytes. */
const onFileSystem = (bytes: string): ReadonlyArray<string> => [
  "strace",
  ..."-f -o /dev/null -e trace=statfs -e".split(" "),
  `inject=statfs:poke_exit=@arg2=${bytes.padEnd(16, "0")}`
]

describe.each([
  ["NFS", "6969"],
  ["SMB", "424d53fe"],
  ["9p", "97190201"],
  ["FUSE", "46557365"]
])("a registry on %s", (name, bytes) => {
  it("is a warning of doctor's", async () => {
    const box = await used()
    const run = await inSandbox(box, onFileSystem(bytes), "doctor --json --check store-durable")
    const directory = join(box.home, ".local/state/automatelinux")
    expect(JSON.parse(run.stdout).findings).toMatchObject([
      {
        severity: "warning",
        message: `the registry's file ${directory}/ports.sqlite is on ${name}, and may be damaged if two machines use it`,
        evidence: `${directory} is not on a local disk`
      }
    ])
  })

  it("is not read without locks: a change by another machine might be missed", async () => {
    const box = await used()
    const sandbox = [...onFileSystem(bytes), ...refusing("opening for writing", "EROFS")]
    const run = await inSandbox(box, sandbox, "getPort --key cad-dev")
    expect([run.code, run.stdout]).toEqual([3, ""])
    expect(run.stderr).toContain(`: it cannot be written, and it is on ${name}, where a change by another machine `)
  })
})

it("says nothing of a file system that only this machine uses", async () => {
  const box = await used()
  expect(await box.d("doctor", "--check", "store-durable")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^all is well/)
  })
})
