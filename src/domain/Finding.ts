/** The checks, in the order in which they are told. */
export const CHECK_NAMES = [
  "store-reachable",
  "store-schema",
  "store-durable",
  "daemon-running",
  "daemon-probing",
  "host-shared",
  "port-shared",
  "port-taken",
  "port-hung",
  "value-invalid",
  "port-unreachable",
  "port-stale",
  "pair-broken",
  "claim-drift",
  "range-reserved",
  "range-full",
  "port-squatted",
  "range-misplaced",
  "range-ephemeral"
] as const

export type CheckName = (typeof CHECK_NAMES)[number]

/** The worst first. */
export const SEVERITIES = ["error", "warning", "info"] as const

export type Severity = (typeof SEVERITIES)[number]

/** What mends something. */
export interface Fix {
  /** The command, to be typed into a shell as it stands; null if none is known. */
  readonly remedy: string | null
  /** What to know beside it: another way, or what comes next. */
  readonly advice: string | null
}

/** A command that mends, with what to know beside it. */
export const fix = (remedy: string | null, advice: string | null = null): Fix => ({ remedy, advice })

/** One thing that the doctor has to say. */
export interface Finding extends Fix {
  readonly check: CheckName
  readonly severity: Severity
  readonly keys: ReadonlyArray<string>
  readonly ports: ReadonlyArray<number>
  /** What is wrong. */
  readonly message: string
  /** What was seen that says so. */
  readonly evidence: string
}

/** Everything that a round of checks comes to. */
export interface Examination {
  /** There is no error and no warning, and, where it was asked to be strict, no info. */
  readonly healthy: boolean
  /** ISO 8601. */
  readonly checkedAt: string
  /** Names the database, without secrets. */
  readonly store: string
  /** How much was looked at; null where the database could not be asked. Elsewhere than on Linux no listener is seen. */
  readonly looked: { readonly assignments: number | null; readonly listeners: number }
  /** What was mended before. */
  readonly mended: ReadonlyArray<string>
  readonly findings: ReadonlyArray<Finding>
  readonly ran: ReadonlyArray<CheckName>
  /** Checks that could not be made: without the database, or for a reason that is a finding of theirs. */
  readonly failed: ReadonlyArray<CheckName>
}

/** The worst first, then by check, then by port. */
export const worstFirst = (a: Finding, b: Finding): number =>
  SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
  CHECK_NAMES.indexOf(a.check) - CHECK_NAMES.indexOf(b.check) ||
  (a.ports[0] ?? 0) - (b.ports[0] ?? 0) ||
  (a.message < b.message ? -1 : 1)
