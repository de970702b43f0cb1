import { createHmac } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { networkInterfaces } from "node:os"
import * as Context from "effect/Context"

/** Makes the digest another than other programs make of the same ids, which machine-id(5) asks not to show. */
const SALT = "automatelinux-ports"

/** The first of these that can be read and says something. */
const firstOf = (...reads: ReadonlyArray<() => string>): string => {
  for (const read of reads) {
    try {
      const text = read().trim()
      if (text !== "") return text
    } catch {
      // Not on this system, or not for this user.
    }
  }
  return ""
}

const file = (path: string) => () => readFileSync(path, "utf8")

/** The addresses of the network cards, for a system without such ids. */
const cards = () =>
  Object.values(networkInterfaces())
    .flatMap((each) => each?.map(({ mac }) => mac) ?? [])
    .sort()
    .join()

/**
 * A digest that all programs share that see the same listeners: those on one machine and in one network namespace. Two
 * containers differ, and so do two copies of one disk. When a machine or a container starts again it is another.
 */
const readIdentity = (): string => {
  const ids = [
    firstOf(file("/etc/machine-id"), file("/var/lib/dbus/machine-id")),
    firstOf(file("/proc/sys/kernel/random/boot_id")),
    firstOf(() => readlinkSync("/proc/self/ns/net"))
  ]
  const known = ids.join("\n").trim() || firstOf(cards)
  return createHmac("sha256", SALT).update(known).digest("hex").slice(0, 16)
}

/** Tells this machine from another of the same name. */
export class MachineIdentity extends Context.Reference<MachineIdentity>()("MachineIdentity", {
  defaultValue: readIdentity
}) {}
