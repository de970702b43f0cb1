import type { Assignment } from "./domain/Assignment.ts"
import type { Explanation } from "./domain/Explanation.ts"
import type { Fault } from "./domain/errors.ts"
import type { Examination } from "./domain/Finding.ts"
import type { HealthState } from "./domain/Health.ts"
import type { Rival, Unstored } from "./domain/watch.ts"
import { type Line, type Printed, printed } from "./printed.ts"
import { plain, type Style } from "./style.ts"
import { plainTable } from "./table.ts"

interface KeyPort {
  readonly key: string
  readonly port: number
}

/** What each command answers: the document of `--json`. */
export interface Results {
  readonly allocate: {
    readonly assignments: ReadonlyArray<KeyPort & { readonly created: boolean }>
    readonly skipped: ReadonlyArray<{ readonly port: number; readonly reason: "bound"; readonly by: string | null }>
  }
  readonly getPort: KeyPort
  readonly setPort: KeyPort
  readonly listPorts: ReadonlyArray<Assignment>
  readonly deletePort: { readonly released: ReadonlyArray<{ readonly key: string; readonly port: number | null }> }
  readonly release: Results["deletePort"]
  readonly rename: KeyPort
  readonly reserve: { readonly port: number; readonly reason: string }
  readonly unreserve: { readonly port: number }
  readonly doctor: Examination
  readonly explain: Explanation
  readonly backup: { readonly file: string; readonly bytes: number }
  readonly ping: { readonly pong: true; readonly pid: number; readonly waitSeconds: number; readonly clock: number }
  readonly status: Status
}

/** How much of a range is in use. */
interface RangeUse {
  readonly range: string
  readonly slots: number
  readonly claimed: number
}

export interface Status {
  readonly version: string
  readonly pid: number
  readonly uptimeSeconds: number
  /** The file of settings, those that were changed after the daemon was started, and why they cannot be used now. */
  readonly settings: {
    readonly file: string
    readonly changed: ReadonlyArray<string>
    readonly problem: string | null
  }
  /** `latencyMs` is null where the database does not answer, and `error` says why. */
  readonly database: {
    readonly kind: string
    readonly label: string
    readonly latencyMs: number | null
    readonly error: string | null
  }
  readonly lastTick: { readonly at: string; readonly durationMs: number; readonly ports: number } | null
  /**
   * How often the ports are looked at, and how long ago that was, without the time that the machine slept; why the last
   * round failed, where it did; the other machine that uses this host's name, if there is one; and what the database
   * refuses to keep of single ports.
   */
  readonly watching: {
    readonly intervalSeconds: number
    readonly idleSeconds: number | null
    readonly failure: string | null
    readonly fault: Fault | null
    readonly rival: Rival | null
    readonly unstored: ReadonlyArray<Unstored>
  }
  readonly ranges: { readonly app: RangeUse; readonly special: RangeUse } | null
  readonly health: Readonly<Record<HealthState, number>> | null
}

const statusText = (status: Status): Printed => {
  const { database, health, lastTick, ranges, watching } = status
  const { changed, problem } = status.settings
  const settings = problem ?? `changed after the daemon was started: ${changed.join(", ")}`
  const use = ({ claimed, range, slots }: RangeUse) => `${range}, ${claimed} of ${slots} claimed`
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["daemon", `${status.version}, pid ${status.pid}, up ${status.uptimeSeconds} s`],
    ...(changed.length > 0 || problem !== null ? [["settings", settings] as const] : []),
    // What is wrong names the database itself.
    ["database", database.error ?? `${database.label}, ${database.latencyMs} ms`],
    [
      "last tick",
      lastTick === null
        ? `none yet${watching.failure === null ? "" : `: ${watching.failure}`}`
        : `${lastTick.at}, ${lastTick.durationMs} ms for ${lastTick.ports} ports`
    ],
    ["apps", ranges === null ? "unknown" : use(ranges.app)],
    ["specials", ranges === null ? "unknown" : use(ranges.special)],
    [
      "health",
      health === null
        ? "unknown"
        : Object.entries(health)
            .map(([state, count]) => `${count} ${state}`)
            .join(", ")
    ]
  ]
  return printed(rows.map(([name, text]) => `${name.padEnd(9)}  ${text}`))
}

const line = (only: Line): Printed => printed([only])
const released = (result: Results["release"]): Printed =>
  printed(result.released.map(({ key, port }) => `${key} ${port ?? "-"}`))

/** How each answer reads as text, without the last line's end. */
const texts: {
  readonly [N in keyof Results]: (result: Results[N], payload: unknown, style: Style) => Printed | Promise<Printed>
} = {
  allocate: ({ assignments }) => printed(assignments.map(({ key, port }) => `${key} ${port}`)),
  getPort: ({ port }) => line(String(port)),
  setPort: ({ key, port }, payload) => {
    const { description, value } = payload as { readonly description?: unknown; readonly value?: unknown }
    if (value !== undefined) return line(`Port set for ${key} to ${port}`)
    return line(description === undefined ? `Directory set for ${key}` : `Description set for ${key}`)
  },
  // What makes tables for terminals takes longer to load than anything else here.
  listPorts: async (assignments, _, { colour, width }) =>
    width === undefined
      ? plainTable(assignments)
      : (await import("./terminalTable.ts")).terminalTable(assignments, width, colour),
  deletePort: ({ released: [first] }) => line(`Port entry deleted for ${first?.key}`),
  release: released,
  rename: ({ key, port }) => line(`${key} ${port}`),
  reserve: ({ port, reason }) => line(`${port} reserved: ${reason}`),
  unreserve: ({ port }) => line(`${port} no longer reserved`),
  doctor: async (examination, _, style) => (await import("./report.ts")).report(examination, style),
  explain: async (explanation, _, style) => (await import("./report.ts")).explanationText(explanation, style),
  backup: ({ file }) => line(`backed up to ${file}`),
  ping: () => line("pong"),
  status: statusText
}

/** The text of an answer, by default as a pipe and the wire get it. */
export const textOf = <N extends keyof Results>(
  command: N,
  result: Results[N],
  payload: unknown,
  style: Style = plain
): Printed | Promise<Printed> => texts[command](result, payload, style)
