import { createHmac } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { networkInterfaces } from "node:os"
import * as Context from "effect/Context"

/** Makes the digest specific to this program: machine-id(5) asks programs not to expose the id itself. */
const SALT = "automatelinux-ports"

/** Returns the first text that can be read and is not empty. */
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

/** The MAC addresses of the network interfaces, for systems without such ids. */
const cards = () =>
  Object.values(networkInterfaces())
    .flatMap((each) => each?.map(({ mac }) => mac) ?? [])
    .sort()
    .join()

/**
 * Returns a digest that is the same for all programs that see the same listeners: those on one machine in one network
 * namespace. It differs between two containers and between two copies of one disk, and changes when the machine or the
 * container is restarted.
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

/** Distinguishes this machine from others with the same host name. */
export class MachineIdentity extends Context.Reference<MachineIdentity>()("MachineIdentity", {
  defaultValue: readIdentity
}) {}
