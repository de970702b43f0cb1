import type { FileChange } from "./FileChange.ts"

/** The targets of `d proxy`: reverse proxies, and the file of host names. */
export const PROXIES = ["caddy", "nginx", "traefik", "haproxy", "hosts"] as const

export type ProxyName = (typeof PROXIES)[number]

/** A host name that stands for the port of a key. */
export interface NamedPort {
  readonly name: string
  readonly key: string
  readonly port: number
  /** Where a browser finds it. */
  readonly url: string
}

/** The result of `d proxy diff`. */
export interface ProxyDiff {
  readonly for: ProxyName
  /** Null if the running Caddy is compared. */
  readonly file: string | null
  readonly differs: boolean
  /** A unified diff; empty if nothing differs. */
  readonly diff: string
}

/** The result of `d proxy apply`. */
export interface ProxyApplied {
  readonly for: ProxyName
  /** Null if the running Caddy was changed. */
  readonly file: string | null
  readonly dryRun: boolean
  readonly change: Exclude<FileChange, "kept">
  readonly names: ReadonlyArray<NamedPort>
}

/** The longest part between two dots of a host name (RFC 1035). */
export const LABEL_MAX = 63

/** The longest domain that leaves room for a label in a host name of 253 characters. */
const DOMAIN_MAX = 253 - LABEL_MAX - 1

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i

/** Returns what is wrong with `text` as the domain of the names, or `undefined`. */
export const domainProblem = (text: string): string | undefined => {
  const labels = text.split(".")
  if (text === "") return "is empty: write a domain, such as localhost or test"
  if (!labels.every((label) => LABEL.test(label)))
    return "is not a domain: write letters, digits and hyphens, with dots between, as in dev.example.com"
  if (/^\d+$/.test(labels.at(-1) ?? "")) return "is an address: write a domain, such as localhost or test"
  return text.length > DOMAIN_MAX ? `is ${text.length} characters long: a domain has at most ${DOMAIN_MAX}` : undefined
}
