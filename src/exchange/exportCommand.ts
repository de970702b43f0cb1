import { stringify } from "csv-stringify/sync"
import { markdownTable } from "markdown-table"
import type { EXPORT_FORMATS } from "../commands/exchange.ts"
import type { Exported, ExportedAssignment } from "../domain/Exchange.ts"
import { appOf } from "../domain/names.ts"
import { portName } from "../env/variables.ts"
import { names } from "../text/describe.ts"
import { isHarmless } from "../text/escape.ts"
import { exportedJson } from "../text/exchangeText.ts"
import { forFile, type Printed, printed } from "../text/printed.ts"
import { widthOf } from "../text/width.ts"
import { guarded } from "./formulas.ts"
import { inCell } from "./markdownText.ts"

/** An export, and what a user should know of it. */
interface Written {
  readonly text: string
  readonly notes: ReadonlyArray<string>
}

type Valid = ExportedAssignment & { readonly port: number }

/** The assignments that other formats can have: a row that contains no port is none. */
const validIn = ({ assignments }: Exported): ReadonlyArray<Valid> =>
  assignments.flatMap((each) => (each.port === null || each.stored !== null ? [] : [{ ...each, port: each.port }]))

/** Says what a format leaves out. */
const leftOut = (exported: Exported): ReadonlyArray<string> => {
  const others = exported.assignments.filter(({ port, stored }) => port === null || stored !== null)
  return others.length === 0
    ? []
    : [
        `note: left out ${names(others.map(({ key }) => key))}, which only --format json can have: the rows are not valid`
      ]
}

const csv = (exported: Exported): Written => ({
  text: stringify(
    validIn(exported).map(({ description, key, port }) => [key, port, guarded(description ?? ""), appOf(key) ?? ""]),
    { header: true, columns: ["Key", "Port", "Description", "App"] }
  ),
  notes: leftOut(exported)
})

const markdown = (exported: Exported): Written => ({
  text: `${markdownTable(
    [
      ["Key", "Port", "Description"],
      ...validIn(exported).map(({ description, key, port }) => [inCell(key), String(port), inCell(description ?? "")])
    ],
    { align: ["l", "r", "l"], stringLength: widthOf }
  )}\n`,
  notes: leftOut(exported)
})

/** Different keys may have the same name: which of them a program would get is nobody's choice. */
const env = (exported: Exported): Written => {
  const byName = new Map<string, Array<Valid>>()
  for (const each of validIn(exported)) {
    const name = portName(each.key)
    byName.set(name, [...(byName.get(name) ?? []), each])
  }
  const clashes = [...byName].filter(([, all]) => all.length > 1)
  const lines = [...byName].map(([name, [first, ...others]]) =>
    others.length === 0
      ? `${name}=${first?.port}`
      : `# ${name} could be ${[first, ...others].map((each) => `${each?.key} (${each?.port})`).join(" or ")}`
  )
  return {
    text: lines.map((line) => `${line}\n`).join(""),
    notes: [
      ...leftOut(exported),
      ...clashes.map(
        ([name, all]) =>
          `warning: left out ${name}, which could be ${names(all.map(({ key }) => key))}: d rename gives one another name`
      )
    ]
  }
}

const PLAIN = /^[ -&(-[\]-~]*$/

/** Quotes text for MySQL and SQLite, which read a backslash differently. */
const sqlText = (text: string): string =>
  PLAIN.test(text) ? `'${text}'` : `CAST(X'${Buffer.from(text).toString("hex")}' AS CHAR)`

const sql = ({ assignments }: Exported): Written => ({
  text: assignments
    .map(
      ({ key, port, stored }) =>
        `INSERT INTO settings (setting_key, setting_value) VALUES (${sqlText(`port_${key}`)}, ${sqlText(stored ?? String(port))});\n`
    )
    .join(""),
  notes: []
})

const FORMATS: Readonly<Record<Exclude<(typeof EXPORT_FORMATS)[number], "json">, (exported: Exported) => Written>> = {
  csv,
  markdown,
  env,
  sql
}

/** Formats a registry. A file gets its text exactly as it is; a terminal, harmless. */
export const writeAs = (
  format: (typeof EXPORT_FORMATS)[number],
  exported: Exported,
  isTerminal: boolean
): { readonly text: Printed; readonly notes: ReadonlyArray<string> } => {
  if (format === "json") return { text: exportedJson(exported), notes: [] }
  const { notes, text } = FORMATS[format](exported)
  return {
    text: isTerminal && !isHarmless(text.replaceAll("\n", "")) ? printed(text.split("\n")) : forFile(text),
    notes
  }
}
