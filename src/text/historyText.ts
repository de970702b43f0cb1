import type { Results } from "../commands/Results.ts"
import type { PastChange, PastOperation, TakenBack } from "../domain/PastOperation.ts"
import { changeTexts, type Shown, WHOLE } from "./changeTexts.ts"
import { escaped } from "./escape.ts"
import { joined, type Printed, printed } from "./printed.ts"
import { type Columns, GAP, plainColumns } from "./table.ts"
import { painter, type Style } from "./terminalStyle.ts"
import { columnOf, fitInto, linesOf, widthOfAll } from "./terminalTable.ts"
import { localTime, localTimes, wrapped } from "./terminalText.ts"
import { cutTo } from "./width.ts"

/** The text of the commands that look back. */

/** How many changes of an operation the list shows. */
const SHOWN = 3
/** The width of the names before the rows of one operation, with the gap after them. */
const LABEL = 10

/** How much of a description or a directory the list shows, so that both values fit. */
const TEXT_WIDTH = 24

/** Directories differ at the end. */
const SHORTENED: Shown = {
  description: (text) => cutTo(escaped(text), TEXT_WIDTH),
  owner: (text) => (text.length > TEXT_WIDTH ? `…${escaped(text.slice(1 - TEXT_WIDTH))}` : text)
}

const hasPort = ({ newPort, oldPort }: PastChange): boolean => newPort !== null || oldPort !== null

/** Names the first changes, ports before descriptions and directories. */
const summary = (changes: ReadonlyArray<PastChange>, shown: Shown): string => {
  const texts = changeTexts([...changes.filter(hasPort), ...changes.filter((change) => !hasPort(change))], shown)
  const more = texts.length - SHOWN
  return [...texts.slice(0, SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join(", ")
}

const whatText = ({ takenBackBy, takesBack, what }: PastOperation): string =>
  [
    what,
    ...(takesBack === null ? [] : [`of ${takesBack}`]),
    ...(takenBackBy === null ? [] : [`(undone: ${takenBackBy})`])
  ].join(" ")

const byText = ({ host, program, user }: Pick<PastOperation, "host" | "program" | "user">): string =>
  `${user} on ${host} (${program})`

const columns = (when: (at: string) => string, shown: Shown): Columns<PastOperation> => ({
  NUMBER: ({ number }) => String(number),
  WHEN: ({ at }) => when(at),
  WHAT: whatText,
  BY: byText,
  CHANGES: ({ changes }) => summary(changes, shown)
})

/** The columns that a narrow terminal does without: the first of these for which enough of the changes is left. */
const NARROWER: ReadonlyArray<ReadonlyArray<string>> = [[], ["BY"], ["BY", "WHEN"]]
/** How much of the changes is enough. */
const CHANGES_WIDTH = 28

const terminalList = (operations: ReadonlyArray<PastOperation>, width: number, style: Style): Printed => {
  const now = new Date()
  const all = Object.entries(columns((at) => localTime(new Date(at), now), SHORTENED)).map(([title, textOf]) =>
    columnOf(title, operations, textOf, title === "NUMBER" ? () => "cyan" : undefined)
  )
  const choices = NARROWER.map((without) => all.filter(({ title }) => !without.includes(title)))
  const needed = Math.min(CHANGES_WIDTH, all.at(-1)?.width ?? 0)
  const chosen = choices.find((some) => width - widthOfAll(some.slice(0, -1)) - GAP.length >= needed) ?? choices.at(-1)
  return joined(linesOf(fitInto(chosen ?? all, width, ["CHANGES", "WHAT"]), painter(style.colour)))
}

/** Shows one operation with all of its changes. */
const wholeText = (operation: PastOperation, style: Style): Printed => {
  const { at, changes, number, takenBackBy, takesBack, undoable, what } = operation
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["number", String(number)],
    ["what", takesBack === null ? what : `${what} of ${takesBack}`],
    ["when", style.width === undefined ? at : localTimes(at)],
    ["by", byText(operation)],
    ...(takenBackBy === null ? [] : [["undone", `by ${takenBackBy}`] as const]),
    ...(undoable ? [] : [["undo", "not possible: it was made by another program, or by an older d"] as const]),
    ...changeTexts(changes).map((text, index) => [index === 0 ? "changes" : "", text] as const)
  ]
  return wrapped(printed(rows.map(([name, text]) => `${name.padEnd(LABEL)}${text}`)), style.width, LABEL)
}

/** Formats the history: a list, one operation, or how much of it was deleted. */
export const historyText = ({ operations, trimmed }: Results["history"], payload: unknown, style: Style): Printed => {
  if (trimmed !== null) return printed([`deleted ${trimmed} ${trimmed === 1 ? "event" : "events"}`])
  const { number } = payload as { readonly number?: unknown }
  const [first] = operations
  if (number !== undefined && first !== undefined) return wholeText(first, style)
  return style.width === undefined
    ? plainColumns(
        columns((at) => at, WHOLE),
        operations
      )
    : terminalList(operations, style.width, style)
}

/** Formats what was taken back. */
export const takenBackText = ({ changes, dryRun, operation }: TakenBack, style: Style): Printed => {
  const { at, number, takesBack, what } = operation
  const did = takesBack === null ? what : `${what} of ${takesBack}`
  const when = style.width === undefined ? at : localTimes(at)
  const head = `${dryRun ? "would take back" : "took back"} ${number}: ${did} by ${byText(operation)}, ${when}`
  const lines = changeTexts(changes.map((each) => ({ ...each, what: what === "undo" ? "redo" : "undo", detail: null })))
  return wrapped(printed([head, ...lines]), style.width)
}
