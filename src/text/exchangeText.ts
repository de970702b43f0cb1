import type { Results } from "../commands/Results.ts"
import type { Exported, Found, Refused } from "../domain/Exchange.ts"
import { nameOf, names, shortContainer } from "./describe.ts"
import { quote } from "./escape.ts"
import { joined, type Printed, printed, printedJson } from "./printed.ts"
import { type Columns, plainColumns } from "./table.ts"
import { painter, plain, type Style } from "./terminalStyle.ts"
import { columnOf, fitInto, linesOf } from "./terminalTable.ts"

/** The text of the commands that move a registry out and in. */

/** Formats a registry as its JSON document, one assignment on a line: two of them can be compared line by line. */
export const exportedJson = ({ format, version, ...lists }: Exported): Printed => {
  const list = ([name, all]: readonly [string, ReadonlyArray<object>]): string =>
    all.length === 0
      ? `  "${name}": []`
      : `  "${name}": [\n${all.map((each) => `    ${printedJson(each)}`).join(",\n")}\n  ]`
  const fields = [`  "format": ${printedJson(format)}`, `  "version": ${printedJson(version)}`]
  const text = `{\n${[...fields, ...Object.entries(lists).map(list)].join(",\n")}\n}`
  // Escaped already: this only splits it.
  return printed(text.split("\n"))
}

const invalidText = ({ field, key, port, problem, proposal }: Refused): string => {
  if (field === "key") return `key ${quote(key)} ${problem}${proposal === null ? "" : `; ${proposal} would be one`}`
  return `${nameOf(key)}: ${field} ${field === "port" && port !== "" ? `${quote(port)} ` : ""}${problem}`
}

/** Says why a row does not fit. */
const refusalText = (refused: Refused): string => {
  const { current, holders, port, problem, reason } = refused
  const key = nameOf(refused.key)
  switch (reason) {
    case "invalid":
      return invalidText(refused)
    case "twice":
      return `${key} ${port}: the file has another port for ${key} further up`
    case "taken":
      return `${key} ${port}: ${port} belongs to ${names(holders)}`
    case "moved":
      return `${key} ${port}: ${key} has ${current ?? "a row that is not a port"}`
    case "reserved":
      return `${key} ${port}: ${port} is reserved: ${problem}`
  }
}

const rowsText = (count: number): string => `${count} ${count === 1 ? "row" : "rows"}`

/** Returns a line for each row that does not fit, beginning with where it is. */
export const refusalLines = (refused: ReadonlyArray<Refused>): ReadonlyArray<string> =>
  refused.map((each) => `${each.line === null ? "" : `line ${each.line}: `}${refusalText(each)}`)

/** Returns the error if rows did not fit, and so nothing was changed. */
export const refusalError = ({ onConflict, refused }: Results["import"]) => ({
  code: "conflict" as const,
  message: `${rowsText(refused.length)} ${refused.length === 1 ? "does" : "do"} not fit, so nothing was imported`,
  hint:
    onConflict === "force"
      ? "correct the file; --on-conflict skip leaves these rows out"
      : refused.every(({ reason }) => reason === "invalid" || reason === "twice")
        ? "correct the file, or leave these rows out with --on-conflict skip"
        : "correct the file; --on-conflict skip leaves these rows out, --on-conflict force moves the keys and shares ports"
})

/** Sums up what an import did beside the ports that it set. */
export const importNotes = (result: Results["import"]): ReadonlyArray<string> => {
  const { described, dryRun, ignored, imported, owners, pinned, present, refused, reservations } = result
  const some = (count: number, one: string, more: string) =>
    count === 0 ? [] : [`${count} ${count === 1 ? one : more}`]
  const added = [
    ...some(imported.length, "port", "ports"),
    ...some(described.length, "description", "descriptions"),
    ...some(owners, "owner", "owners"),
    ...some(pinned, "pin", "pins"),
    ...some(reservations, "reservation", "reservations"),
    ...some(ignored, "ignored finding", "ignored findings")
  ]
  const what = added.length === 0 ? "nothing" : added.join(", ")
  const there = present === 0 ? "" : `; ${rowsText(present)} ${present === 1 ? "was" : "were"} there already`
  return [
    ...refusalLines(refused).map((line) => `skipped ${line}`),
    `note: ${dryRun ? "would import" : "imported"} ${what}${there}`
  ]
}

const hasProposal = ({ key }: Found): boolean => key !== null

/** What serves a port, as far as it is known. */
const processText = ({ command, container, containerDetails, pid, unit, user }: Found): string => {
  if (containerDetails) return shortContainer(containerDetails)
  if (container !== null) return `container ${container}`
  if (unit !== null) return unit
  return pid === null ? `a process of ${user}` : `${command ?? "a process"} ${pid}`
}

const COLUMNS: Columns<Found> = {
  PORT: ({ port }) => String(port),
  KEY: ({ key }) => key ?? "-",
  PROCESS: processText,
  DIRECTORY: ({ directory }) => directory ?? ""
}

/** Describes what was found in a few words, for a list to choose from. */
export const foundText = (found: Found): string =>
  [processText(found), ...(found.directory === null ? [] : [`in ${found.directory}`])].join(", ")

/** Formats what listens and has no key as a table. */
export const foundTable = (found: ReadonlyArray<Found>, { colour, width }: Style): Printed => {
  if (found.length === 0) return printed([])
  if (width === undefined) return plainColumns(COLUMNS, found)
  const columns = Object.entries(COLUMNS).map(([title, textOf]) =>
    columnOf(title, found, textOf, title === "PORT" ? () => "cyan" : undefined)
  )
  return joined(linesOf(fitInto(columns, width, ["DIRECTORY", "PROCESS"]), painter(colour)))
}

/** What to do with what was found. */
export const foundNotes = (found: ReadonlyArray<Found>): ReadonlyArray<string> => {
  if (found.length === 0) return ["note: nothing without a key listens there"]
  const proposed = found.filter(hasProposal).length
  const first = found.find((each) => !hasProposal(each))
  return [
    ...(first === undefined
      ? []
      : [
          `note: nothing suggests a key for ${found.length - proposed} of them: choose one with d setPort --key KEY --value ${first.port}`
        ]),
    ...(proposed === 0
      ? []
      : [
          `note: d import --scan --yes registers ${proposed === 1 ? "the proposed key" : `the ${proposed} proposed keys`}`
        ])
  ]
}

/** Formats an import for the wire and a pipe: a line for each key that got a port, or for each row that does not fit. */
export const importedText = (result: Results["import"], style: Style = plain): Printed => {
  const { found, imported, onConflict, refused } = result
  if (found !== null && imported.length === 0) return foundTable(found, style)
  if (refused.length > 0 && onConflict !== "skip")
    return printed([...refusalLines(refused), `ERROR: ${refusalError(result).message}`])
  return printed(imported.map(({ key, port }) => `${nameOf(key)} ${port ?? quote("")}`))
}
