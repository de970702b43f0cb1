import { createHash } from "node:crypto"

/** The settings that decide which registry a command speaks of, without their prefix. */
const DECISIVE = ["DATABASE_URL", "SETTINGS_TABLE", "APP_RANGE", "SPECIAL_RANGE", "RESERVED_PORTS"]

/** Setting → digest of its value: what a client and a daemon compare, so that no password goes over the socket. */
export type Fingerprint = Readonly<Record<string, string>>

const digest = (text: string): string => createHash("sha256").update(text).digest("base64url").slice(0, 22)

/** The settings that the environment itself decides, or `undefined` where it decides none. */
export const fingerprintOf = (environment: Readonly<Record<string, string | undefined>>): Fingerprint | undefined => {
  const set = DECISIVE.flatMap((name): Array<[string, string]> => {
    const value = environment[`AUTOMATELINUX_${name}`]
    return value ? [[name, digest(value)]] : []
  })
  return set.length === 0 ? undefined : Object.fromEntries(set)
}

/** Whether a daemon whose settings were `written` so is the one that a client with this fingerprint means. */
export const matches = (fingerprint: unknown, written: ReadonlyMap<string, string>): boolean =>
  typeof fingerprint !== "object" ||
  fingerprint === null ||
  Object.entries(fingerprint).every(([name, value]) => digest(written.get(name) ?? "") === value)
