/** The settings that decide which registry a command speaks of, without their prefix. */
const DECISIVE = ["DATABASE_URL", "SETTINGS_TABLE", "APP_RANGE", "SPECIAL_RANGE", "RESERVED_PORTS"]

/** Setting → digest of its value: what a client and a daemon compare, so that no password goes over the socket. */
export type Fingerprint = Readonly<Record<string, string>>

type Environment = Readonly<Record<string, string | undefined>>

/** What hashes is loaded only now: few environments decide anything, and it is slow to load. */
const digestsOf = async (values: ReadonlyArray<readonly [string, string]>): Promise<Fingerprint> => {
  const { createHash } = await import("node:crypto")
  const digest = (text: string) => createHash("sha256").update(text).digest("base64url").slice(0, 22)
  return Object.fromEntries(values.map(([name, value]) => [name, digest(value)]))
}

/** The settings that the environment itself decides, or `undefined` where it decides none. */
export const fingerprintOf = async (environment: Environment): Promise<Fingerprint | undefined> => {
  const set = DECISIVE.flatMap((name): Array<[string, string]> => {
    const value = environment[`AUTOMATELINUX_${name}`]
    return value ? [[name, value]] : []
  })
  return set.length === 0 ? undefined : digestsOf(set)
}

/** The fingerprint of a daemon whose settings were `written` so. */
export const fullFingerprint = (written: ReadonlyMap<string, string>): Promise<Fingerprint> =>
  digestsOf(DECISIVE.map((name) => [name, written.get(name) ?? ""]))

/** Whether a daemon with this `full` fingerprint is the one that a client with `fingerprint` means. */
export const matches = (fingerprint: unknown, full: Fingerprint): boolean =>
  typeof fingerprint !== "object" ||
  fingerprint === null ||
  Object.entries(fingerprint).every(([name, value]) => full[name] === value)
