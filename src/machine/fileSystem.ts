import { statfsSync } from "node:fs"
import { tryRead } from "./tryRead.ts"

/**
 * File systems that another machine, or the host of a virtual machine, may change at the same time, by the
 * hexadecimal number that the kernel gives them (linux/magic.h). Locks and shared memory do not reach across.
 */
const SHARED: Readonly<Record<string, string>> = {
  "6969": "NFS",
  "517b": "SMB",
  ff534d42: "SMB",
  fe534d42: "SMB",
  "1021997": "9p",
  "65735546": "FUSE",
  "5346414f": "AFS",
  "6b414653": "AFS",
  c36400: "Ceph",
  bd00bd0: "Lustre",
  "47504653": "GPFS",
  "786f4256": "vboxsf"
}

/** Returns the name of the file system at `path`, if other machines may share it. Only known on Linux. */
export const sharedFileSystem = (path: string): string | undefined =>
  process.platform === "linux" ? SHARED[tryRead(() => statfsSync(path).type, 0).toString(16)] : undefined
