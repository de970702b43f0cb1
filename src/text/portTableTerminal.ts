import Table from "cli-table3"
import type { Assignment } from "../domain/Assignment.ts"
import { cellsOf, GAP, HEAD, widthsOf } from "./portTable.ts"
import type { Printed } from "./printed.ts"
import { painter } from "./terminalStyle.ts"

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

/** Formats the assignments as a table for a terminal. If it is narrow, only descriptions are cut, never a key or a port. */
export const terminalTable = (assignments: ReadonlyArray<Assignment>, width: number, colour: boolean): Printed => {
  const rows = cellsOf(assignments)
  const fixed = widthsOf(rows).slice(0, -1)
  const room = Math.max(DESCRIPTION_MIN, width - fixed.reduce((sum, each) => sum + each + GAP.length, 0))
  const paint = painter(colour)
  const table = new Table({
    chars: NO_BORDER,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
    colAligns: ["left", "right", "left", "left", "left"],
    colWidths: [...fixed, room],
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
    .join("\n") as Printed
}
