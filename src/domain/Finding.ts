/** The checks, in the order in which their findings are reported. */
export const CHECK_NAMES = [
  "store-reachable",
  "store-schema",
  "store-durable",
  "secret-readable",
  "daemon-running",
  "daemon-probing",
  "service-broken",
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

/** Worst first. */
export const SEVERITIES = ["error", "warning", "info"] as const

export type Severity = (typeof SEVERITIES)[number]

/** Returns whether `severity` is `least` or worse. */
export const isAtLeast = (severity: Severity, least: Severity): boolean =>
  SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(least)

/** How to fix a finding. */
export interface Fix {
  /** A command that can be pasted into a shell unchanged; null if none is known. */
  readonly fix: string | null
  /** The former name of `fix`, for one release. */
  readonly remedy: string | null
  /** Advice that goes with it: an alternative, or the next step. */
  readonly advice: string | null
}

/** Makes a fix of a command and the advice that goes with it. */
export const fix = (command: string | null, advice: string | null = null): Fix => ({
  fix: command,
  remedy: command,
  advice
})

/** One problem that the doctor found. */
export interface Finding extends Fix {
  readonly check: CheckName
  readonly severity: Severity
  readonly keys: ReadonlyArray<string>
  readonly ports: ReadonlyArray<number>
  /** What is wrong. */
  readonly message: string
  /** The evidence for it. */
  readonly evidence: string
}

/** A rule by which findings are ignored, and the findings that it ignores now. */
export interface IgnoredFindings {
  readonly check: CheckName
  /** The key or the port that it is about; both null if it is about all findings of the check. */
  readonly key: string | null
  readonly port: number | null
  readonly reason: string
  /** When and by whom it was made; ISO 8601. */
  readonly at: string
  readonly host: string
  readonly by: string
  readonly findings: ReadonlyArray<Pick<Finding, "severity" | "message">>
}

/** The result of `doctor`. */
export interface Examination {
  /** There is no error and no warning among the findings; with `strict`, no info either. */
  readonly healthy: boolean
  /** ISO 8601. */
  readonly checkedAt: string
  /** Names the database, without secrets. */
  readonly store: string
  /** How much was examined; null if the database was unreachable. Listeners are only visible on Linux. */
  readonly looked: { readonly assignments: number | null; readonly listeners: number }
  /** The fixes that were made before the checks ran. */
  readonly mended: ReadonlyArray<string>
  readonly findings: ReadonlyArray<Finding>
  /** How many findings are left out because they are less severe than was asked for. */
  readonly omitted: number
  /** The rules for the checks that were run. */
  readonly ignored: ReadonlyArray<IgnoredFindings>
  readonly ran: ReadonlyArray<CheckName>
  /** Checks that could not run: the database was unreachable, or a finding of theirs gives another reason. */
  readonly failed: ReadonlyArray<CheckName>
}

type Ranked = Pick<Finding, "severity" | "check" | "ports" | "message">

/** Orders findings by severity, worst first, then by check, then by port. */
export const worstFirst = (a: Ranked, b: Ranked): number =>
  SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
  CHECK_NAMES.indexOf(a.check) - CHECK_NAMES.indexOf(b.check) ||
  (a.ports[0] ?? 0) - (b.ports[0] ?? 0) ||
  (a.message < b.message ? -1 : 1)
