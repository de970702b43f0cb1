import type { RangeUse, Status } from "../commands/Results.ts"
import type { DaemonReport } from "../domain/Control.ts"
import { counted } from "./describe.ts"
import { type Printed, printed } from "./printed.ts"
import { shellWord } from "./shell.ts"

/** Words the output of `d status`, and of `d daemon status`. */

/** How a status tells a time and a time span. */
interface Told {
  readonly time: (written: string) => string
  readonly span: (seconds: number) => string
}

/** In a pipe, times are as they were written. */
export const PLAINLY: Told = { time: (written) => written, span: (seconds) => `${seconds} s` }

type Row = readonly [name: string, text: string]

/** The width of the names before the rows of a status, with the gap after them. */
export const LABEL = 11

const rowsText = (rows: ReadonlyArray<Row>): Printed =>
  printed(rows.map(([name, text]) => `${name.padEnd(LABEL)}${text}`))

const daemonRow = (
  { pid, uptimeSeconds, version }: Pick<Status, "pid" | "uptimeSeconds" | "version">,
  { span }: Pick<Told, "span">
): Row => ["daemon", `${version}, pid ${pid}, up ${span(uptimeSeconds)}`]

export const statusText = (status: Status, told: Told): Printed => {
  const { database, health, http, lastTick, ranges, watching } = status
  const { changed, problem } = status.settings
  const settings = problem ?? `changed after the daemon was started: ${changed.join(", ")}`
  const use = ({ claimed, range, slots }: RangeUse) => `${range}, ${claimed} of ${slots} claimed`
  return rowsText([
    daemonRow(status, told),
    ...(changed.length > 0 || problem !== null ? [["settings", settings] as const] : []),
    // The error names the database itself.
    ["database", database.error ?? `${database.label}, ${database.latencyMs} ms`],
    [
      "last probe",
      lastTick === null
        ? `none yet${watching.failure === null ? "" : `: ${watching.failure}`}`
        : `${told.time(lastTick.at)}, ${lastTick.durationMs} ms for ${counted(lastTick.ports, "port")}`
    ],
    ...(http ? [["http", http.problem ?? http.address ?? "starting"] as const] : []),
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
  ])
}

/** Formats what `d daemon status` knows beside that. */
export const daemonText = (report: DaemonReport, told: Pick<Told, "span">): Printed => {
  const { log, service, socket, startedBy } = report
  const starter = startedBy === "service" ? (service ?? "a service") : startedBy === "start" ? "d daemon start" : null
  return rowsText([
    daemonRow(report, told),
    ["socket", shellWord(socket)],
    ...(log === null ? [] : [["log", shellWord(log)] as const]),
    ["started by", starter ?? "another program, or by hand"]
  ])
}
