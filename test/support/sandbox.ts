import { writeFileSync } from "node:fs"
import { constants } from "node:os"
import { join } from "node:path"
import { temporary } from "./root.ts"

/** As the kernel numbers them. */
const FAMILIES = { ipv4: 2, ipv6: 10, netlink: 16 }

/** A filter of system calls like the one of systemd's RestrictAddressFamilies=, for the program that it ends with. */
const SECCOMP = `
my ($errno, @families) = (shift, split /,/, shift);
my ($socket, $prctl) = \`uname -m\` =~ /x86_64/ ? (41, 157) : (198, 167);
my @program = ([0x20, 0, 0, 0], [0x15, 0, 1 + @families, $socket], [0x20, 0, 0, 16]);
push @program, [0x15, @families - $_, 0, $families[$_]] for 0 .. $#families;
push @program, [0x06, 0, 0, 0x7fff0000], [0x06, 0, 0, 0x50000 | $errno];
my $code = join "", map { pack "SCCL", @$_ } @program;
my $filter = pack "Sx![P]P", scalar(@program), $code;
syscall($prctl, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
syscall($prctl, 22, 2, $filter) == 0 or die "seccomp: $!";
exec @ARGV or die $!;
`

/** The words to put before a program whose sockets of these families shall fail with `code`. */
export const without = (
  families: ReadonlyArray<keyof typeof FAMILIES>,
  code: "EACCES" | "EAFNOSUPPORT" | "EPERM"
): ReadonlyArray<string> => {
  const script = join(temporary(), "sandbox.pl")
  writeFileSync(script, SECCOMP)
  return ["perl", script, String(constants.errno[code]), families.map((name) => FAMILIES[name]).join()]
}
