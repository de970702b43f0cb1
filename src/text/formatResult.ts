import type { Results } from "../commands/Results.ts"
import { SEVERITIES } from "../domain/Finding.ts"
import { formatPorts } from "../domain/portList.ts"
import { checkLines } from "./checkText.ts"
import { nameOf } from "./describe.ts"
import { plainTable } from "./portTable.ts"
import { type Line, type Printed, printed } from "./printed.ts"
import { reservedTable } from "./reservedTable.ts"
import { LABEL, PLAINLY, statusText } from "./statusText.ts"
import { plain, type Style } from "./terminalStyle.ts"

const line = (only: Line): Printed => printed([only])
const released = (result: Results["release"]): Printed =>
  printed(result.released.map(({ key, port }) => `${key} ${port ?? "-"}`))

/** The text of each result, without the last line break. */
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
  // Loaded on demand: a pipe needs none of it.
  listPorts: async (assignments, _, style) =>
    style.width === undefined
      ? plainTable(assignments)
      : (await import("./portTableTerminal.ts")).terminalTable(assignments, style.width, style),
  deletePort: ({ released: [first] }) => line(`Port entry deleted for ${first?.key}`),
  release: released,
  rename: ({ renamed }) => printed(renamed.map(({ key, port }) => `${key} ${port}`)),
  describe: ({ described }) =>
    printed(
      described.map(({ description, key }) => `Description ${description === null ? "removed from" : "set for"} ${key}`)
    ),
  prune: async (result, _, style) => (await import("./pruneText.ts")).pruneText(result, style),
  pin: ({ pinned }) => printed(pinned.map(({ key }) => `Pinned ${nameOf(key)}`)),
  unpin: ({ unpinned }) => printed(unpinned.map(({ key }) => `No longer pinned: ${nameOf(key)}`)),
  reserve: ({ ports, reason }) => line(`${formatPorts(ports)} reserved: ${reason}`),
  unreserve: ({ ports }) => line(`${formatPorts(ports)} no longer reserved`),
  listReserved: (reserved, _, { width }) => reservedTable(reserved, width),
  history: async (result, payload, style) => (await import("./historyText.ts")).historyText(result, payload, style),
  undo: async (result, _, style) => (await import("./historyText.ts")).takenBackText(result, style),
  redo: async (result, _, style) => (await import("./historyText.ts")).takenBackText(result, style),
  // Loaded on demand: they may be long, and other commands need none of it.
  export: async (exported) => (await import("./exchangeText.ts")).exportedJson(exported),
  import: async (result, _, style) => (await import("./exchangeText.ts")).importedText(result, style),
  doctor: async (examination, payload, style) => {
    const { all, check, fix, severity, strict } = payload as Readonly<Record<string, unknown>>
    const least = SEVERITIES.find((each) => each === severity) ?? "info"
    const infos = Boolean(all || check || strict || severity === "info")
    const wanted = { infos, ignored: Boolean(all), fixes: fix === true, least }
    return (await import("./doctorReport.ts")).report(examination, wanted, style)
  },
  explain: async (explanation, _, style) => (await import("./doctorReport.ts")).explanationText(explanation, style),
  claim: ({ port }) => line(String(port)),
  check: (checked) => printed(checkLines(checked)),
  url: ({ url }) => line(url),
  backup: ({ file }) => line(`backed up to ${file}`),
  ping: () => line("pong"),
  dashboard: ({ url }) => line(url),
  probe: ({ ports }) => line(`probed ${ports} ${ports === 1 ? "port" : "ports"}`),
  status: async (status, _, { width }) => {
    if (width === undefined) return statusText(status, PLAINLY)
    const { localTimes, span, wrapped } = await import("./terminalText.ts")
    return wrapped(statusText(status, { time: localTimes, span }), width, LABEL)
  }
}

/** Formats a result as text, by default for a pipe and the wire. */
export const formatResult = <N extends keyof Results>(
  command: N,
  result: Results[N],
  payload: unknown,
  style: Style = plain
): Printed | Promise<Printed> => texts[command](result, payload, style)
