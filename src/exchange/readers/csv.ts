import { CsvError, parse } from "csv-parse/sync"
import type { Incoming } from "../../domain/Exchange.ts"
import { parsePort } from "../../domain/names.ts"
import { noColumns, positionsIn } from "../columns.ts"
import { unguarded } from "../formulas.ts"
import { type Content, type Source, Unreadable } from "../Source.ts"

/** Spreadsheets separate columns by the one that their country's numbers leave free. */
const DELIMITERS = [",", ";", "\t"] as const

/** Returns the first line that is not empty. */
const firstLine = ({ text }: Source): string => text.split(/\r\n?|\n/, 100).find((line) => line.trim() !== "") ?? ""

/** Returns what separates the columns: what is most often on the first line. */
const delimiterOf = (source: Source): string => {
  const line = firstLine(source)
  const counts = DELIMITERS.map((each) => line.split(each).length)
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ","
}

const WITHOUT_TITLES = { key: 0, port: 1, description: 2 }

/** Returns the columns by the first row: by its titles, or by their order if it is a row of a table without titles. */
const columnsOf = (first: ReadonlyArray<string>) => {
  const titled = positionsIn(first)
  if (titled !== undefined) return { columns: titled, titles: 1 }
  return parsePort((first[1] ?? "").trim()) === undefined ? undefined : { columns: WITHOUT_TITLES, titles: 0 }
}

/** Whether the first line is that of a table of keys and ports. */
export const isCsv = (source: Source): boolean => {
  const delimiter = delimiterOf(source)
  const cells = firstLine(source)
    .split(delimiter)
    .map((cell) => cell.replace(/^"(.*)"$/, "$1"))
  return cells.length > 1 && columnsOf(cells) !== undefined
}

interface Row {
  readonly record: ReadonlyArray<string>
  readonly line: number
}

const rowsOf = (source: Source): ReadonlyArray<Row> => {
  const rows: Array<Row> = []
  try {
    parse(source.text, {
      delimiter: delimiterOf(source),
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (record: unknown, { lines }) => {
        if (Array.isArray(record)) rows.push({ record: record.map(String), line: lines })
        return null
      }
    })
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new Unreadable(`is not a CSV file: ${error.message.replace(/[^ -~]/g, "?")}`)
  }
  return rows
}

/** Reads a table with commas, semicolons or tabs between its columns. */
export const readCsv = (source: Source): Content => {
  const rows = rowsOf(source)
  const { columns, titles } = columnsOf(rows[0]?.record ?? []) ?? noColumns()
  const assignments = rows.slice(titles).map(({ line, record }): Incoming => {
    const description = columns.description === undefined ? undefined : record[columns.description]
    return {
      key: unguarded((record[columns.key] ?? "").trim()),
      port: (record[columns.port] ?? "").trim(),
      ...(description === undefined ? {} : { description: unguarded(description) }),
      line
    }
  })
  return { assignments }
}
