import { constants as files, writeFileSync } from "node:fs"
import { constants } from "node:os"
import { join } from "node:path"
import { type Machine, PROGRAM, type Run } from "./cli.ts"
import { temporary } from "./root.ts"

/** As the kernel numbers them. */
const FAMILIES = { unix: 1, ipv4: 2, ipv6: 10, netlink: 16 }

/** The system calls, as x86-64 and arm64 number them. */
const CALLS = {
  bind: [49, 200],
  fcntl: [72, 25],
  mmap: [9, 222],
  openat: [257, 56],
  pwrite64: [18, 68],
  socket: [41, 198]
} as const

/** A system call, and the one argument by which it is told from others: equal to a value, or with one of some bits. */
interface Rule {
  readonly call: keyof typeof CALLS
  readonly argument?: number
  readonly equals?: number
  readonly has?: number
}

const F_SETLK = 6
const MAP_SHARED = 1
const FOR_WRITING = files.O_WRONLY | files.O_RDWR | files.O_CREAT

/** What the kernel or a file system may refuse, and how. */
export const REFUSALS = {
  binding: [{ call: "bind" }],
  locks: [{ call: "fcntl", argument: 1, equals: F_SETLK }],
  "shared memory": [{ call: "mmap", argument: 3, has: MAP_SHARED }],
  writes: [{ call: "pwrite64" }],
  "opening for writing": [{ call: "openat", argument: 2, has: FOR_WRITING }]
} as const satisfies Readonly<Record<string, ReadonlyArray<Rule>>>

type Code = keyof typeof constants.errno

/** A filter of system calls, as those of systemd and of sandboxes, for the program that the words end with. */
const SECCOMP = `
my ($errno, $rules) = (shift, shift);
my $arm = \`uname -m\` !~ /x86_64/;
my @program;
for (split /,/, $rules) {
  my ($numbers, $argument, $equals, $has) = split /:/;
  my $number = (split /-/, $numbers)[$arm];
  my @test = $argument eq "" ? () : ([0x20, 0, 0, 16 + 8 * $argument], $equals ne "" ? [0x15, 0, 1, $equals] : [0x45, 0, 1, $has]);
  push @program, [0x20, 0, 0, 0], [0x15, 0, @test + 1, $number], @test, [0x06, 0, 0, 0x50000 | $errno];
}
push @program, [0x06, 0, 0, 0x7fff0000];
my $code = join "", map { pack "SCCL", @$_ } @program;
my $filter = pack "Sx![P]P", scalar(@program), $code;
syscall($arm ? 167 : 157, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
syscall($arm ? 167 : 157, 22, 2, $filter) == 0 or die "seccomp: $!";
exec @ARGV or die $!;
`

const refused = (rules: ReadonlyArray<Rule>, code: Code): ReadonlyArray<string> => {
  const script = join(temporary(), "sandbox.pl")
  writeFileSync(script, SECCOMP)
  const written = rules.map(({ argument = "", call, equals = "", has = "" }) =>
    [CALLS[call].join("-"), argument, equals, has].join(":")
  )
  return ["perl", script, String(constants.errno[code]), written.join()]
}

/** The words to put before a program for which system calls of that kind shall fail with `code`. */
export const refusing = (what: keyof typeof REFUSALS, code: Code): ReadonlyArray<string> =>
  refused(REFUSALS[what], code)

/** The words to put before a program whose sockets of these families shall fail with `code`. */
export const without = (
  families: ReadonlyArray<keyof typeof FAMILIES>,
  code: "EACCES" | "EAFNOSUPPORT" | "EPERM"
): ReadonlyArray<string> =>
  refused(
    families.map((name) => ({ call: "socket", argument: 0, equals: FAMILIES[name] })),
    code
  )

/** Runs `d` behind the words of a sandbox. */
export const inSandbox = (box: Machine, sandbox: ReadonlyArray<string>, words: string): Promise<Run> =>
  box.sh(`${sandbox.join(" ")} ${process.execPath} ${PROGRAM} ${words}`)

/** Runs a line of shell with `d` on the path, to which nothing in `directory` can be written, as in many a sandbox. */
export const readOnly = (box: Machine, directory: string, line: string): Promise<Run> => {
  const script = join(temporary(), "line.sh")
  writeFileSync(
    script,
    `mount --bind '${directory}' '${directory}' && mount -o remount,ro,bind '${directory}' || exit 99
     d() { ${process.execPath} ${PROGRAM} "$@"; }
     ${line}`
  )
  return box.sh(`unshare --mount bash ${script}`)
}
