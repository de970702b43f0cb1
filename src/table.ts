import { styleText } from "node:util"
import Table from "cli-table3"
import type { Assignment } from "./domain/Assignment.ts"
import { escaped } from "./domain/rules.ts"
import type { Style } from "./style.ts"

const HEAD = ["KEY", "PORT", "KIND", "HEALTH", "DESCRIPTION"]
const GAP = "  "
const DESCRIPTION_MIN = 12

const HEALTH_COLOURS = { up: "green", down: "red", stale: "yellow", unknown: "dim" } as const

const NO_BORDER = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: GAP
} as const

/** The assignments as a table. Only descriptions are cut where it is narrow, never a key or a port. */
export const portTable = (assignments: ReadonlyArray<Assignment>, { colour, width }: Style): string => {
  const rows = assignments.map(({ description, health, key, kind, port }) => [
    // Another program may have written it.
    escaped(key),
    String(port),
    kind,
    health.state,
    escaped(description ?? "")
  ])
  const widths = HEAD.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? "").length)))
  const fixed = widths.slice(0, -1)
  const room =
    width === undefined
      ? undefined
      : Math.max(DESCRIPTION_MIN, width - fixed.reduce((sum, each) => sum + each + GAP.length, 0))
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(format, text, { validateStream: false }) : text
  const table = new Table({
    chars: NO_BORDER,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
    colAligns: ["left", "right", "left", "left", "left"],
    colWidths: [...fixed, room ?? null],
    wordWrap: false
  })
  table.push(HEAD.map((title) => paint("bold", title)))
  for (const [index, [key = "", port = "", kind = "", health = "", description = ""]] of rows.entries()) {
    const state = assignments[index]?.health.state ?? "unknown"
    table.push([key, paint("cyan", port), kind, paint(HEALTH_COLOURS[state], health), description])
  }
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
}
