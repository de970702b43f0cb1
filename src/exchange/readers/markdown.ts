import type { Nodes, Table, TableRow } from "mdast"
import { fromMarkdown } from "mdast-util-from-markdown"
import { gfmTableFromMarkdown } from "mdast-util-gfm-table"
import { toString as textOf } from "mdast-util-to-string"
import { gfmTable } from "micromark-extension-gfm-table"
import type { Incoming } from "../../domain/Exchange.ts"
import { noColumns, positionsIn } from "../columns.ts"
import type { Content, Source } from "../Source.ts"

/** Whether there is a line of titles for keys and ports, with the line of dashes below that makes a table. */
export const isMarkdown = ({ text }: Source): boolean => {
  const lines = text.split(/\r\n?|\n/)
  return lines.some((line, at) => {
    const isTable = /^[\s|:-]*-[\s|:-]*$/.test(lines[at + 1] ?? "") && (lines[at + 1] ?? "").includes("|")
    return isTable && positionsIn(line.split("|").map((cell) => cell.replaceAll(/[`*_]/g, ""))) !== undefined
  })
}

const cellsOf = ({ children }: TableRow): ReadonlyArray<string> => children.map((cell) => textOf(cell))

const assignmentsIn = ({ children: [titles, ...rows] }: Table): ReadonlyArray<Incoming> | undefined => {
  const columns = titles && positionsIn(cellsOf(titles))
  if (columns === undefined) return undefined
  return rows.map((row) => {
    const cells = cellsOf(row)
    const description = columns.description === undefined ? undefined : (cells[columns.description] ?? "")
    return {
      key: (cells[columns.key] ?? "").trim(),
      port: (cells[columns.port] ?? "").trim(),
      ...(description === undefined ? {} : { description }),
      line: row.position?.start.line
    }
  })
}

/** Returns the tables in a document, also those in lists and quotes. */
const tablesIn = (node: Nodes): ReadonlyArray<Table> => {
  if (node.type === "table") return [node]
  return "children" in node ? node.children.flatMap(tablesIn) : []
}

/** Reads all tables of keys and ports in a Markdown document. */
export const readMarkdown = ({ text }: Source): Content => {
  const document = fromMarkdown(text, { extensions: [gfmTable()], mdastExtensions: [gfmTableFromMarkdown()] })
  const tables = tablesIn(document)
    .map(assignmentsIn)
    .filter((each) => each !== undefined)
  return tables.length === 0 ? noColumns() : { assignments: tables.flat() }
}
