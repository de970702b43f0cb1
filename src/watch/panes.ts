import { explanationText } from "../text/doctorReport.ts"
import { type Line, type Printed, printed } from "../text/printed.ts"
import { screenLines } from "../text/screenText.ts"
import { painter, type Style } from "../text/terminalStyle.ts"
import { localTimes, wrapped } from "../text/terminalText.ts"
import type { Pane } from "./State.ts"

/** What is shown in the place of the list, as lines that fit. */

type Of<T extends Pane["_tag"]> = Extract<Pane, { _tag: T }>

const KEYS: ReadonlyArray<readonly [keys: string, does: string]> = [
  ["↑ ↓  PgUp PgDn", "move the selection, or scroll"],
  ["g G  Home End", "go to the first or the last row"],
  ["/", "filter while you type: every word must occur; Enter keeps it, Escape clears it"],
  ["s", "sort by port, key, state or change"],
  ["o", "open the URL of the selected port in the browser"],
  ["e  Enter", "explain the selected port, as d explain does"],
  ["k", "end the process that listens: it is shown, and you are asked; after TERM, k offers KILL"],
  ["?", "show this"],
  ["Ctrl-L", "draw the screen again"],
  ["Ctrl-Z", "suspend; fg continues"],
  ["q  Ctrl-C", "quit"]
]

const MARKS: ReadonlyArray<readonly [mark: string, means: string]> = [
  ["+ -", "a key that is new or gone"],
  ["↑ ↓", "a port that came up or went down"],
  ["→", "a key that has another port"],
  ["~", "another process, or another change"]
]

/** The width of the keys and marks, with the gap after them. */
const LABEL = 18

const table = (rows: ReadonlyArray<readonly [string, string]>): ReadonlyArray<Line> =>
  rows.map(([name, text]) => `  ${name}`.padEnd(LABEL) + text)

const helpLines = (): ReadonlyArray<Line> => [
  { format: "bold", text: "Keys" },
  ...table(KEYS),
  "",
  { format: "bold", text: "Marks of changes, for five seconds" },
  ...table(MARKS)
]

const endLines = ({ assignment, signal, targets }: Of<"End">): ReadonlyArray<Line> => [
  { format: "bold", text: targets.length === 1 ? "End this process?" : `End these ${targets.length} processes?` },
  ...targets.flatMap(
    ({ addresses, command, commandLine, directory, pid, port, startedAt }): ReadonlyArray<Line> => [
      "",
      `  process    ${command}, pid ${pid}`,
      `  command    ${commandLine}`,
      `  directory  ${directory ?? "unknown"}`,
      `  started    ${startedAt === null ? "unknown" : localTimes(startedAt)}`,
      `  listens    on ${port} (${assignment.key}), at ${addresses.join(" and ")}`
    ]
  ),
  "",
  signal === "SIGTERM"
    ? [{ format: "yellow", text: "y" }, " sends TERM, any other key leaves it alone"]
    : [{ format: "red", text: "It did not end after TERM. " }, "y sends KILL, any other key leaves it alone"]
]

const refusedLines = ({ refusal: { advice, command, why } }: Of<"Refused">): ReadonlyArray<Line> => [
  { format: "bold", text: "Not ended" },
  "",
  `  ${why}.`,
  ...(command === null ? [] : ["", `  ${command}`]),
  ...(advice === null ? [] : [`  ${advice}`])
]

const explained = ({ port, told }: Of<"Explain">, style: Style): Printed => {
  if (told === undefined) return printed([`Asking about ${port} …`])
  if ("code" in told) return printed([`error: ${told.message}`, `hint: ${told.hint}`])
  return explanationText(told, style)
}

/** Returns the lines of a pane, however many there are. */
export const paneLines = (pane: Pane, style: Style & { readonly width: number }): ReadonlyArray<Printed> => {
  const paint = painter(style.colour)
  switch (pane._tag) {
    case "Help":
      return screenLines(wrapped(printed(helpLines(), paint), style.width, LABEL), style.width)
    case "End":
      return screenLines(printed(endLines(pane), paint), style.width)
    case "Refused":
      return screenLines(printed(refusedLines(pane), paint), style.width)
    case "Explain":
      return screenLines(explained(pane, style), style.width)
  }
}
