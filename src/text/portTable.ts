import type { Assignment } from "../domain/Assignment.ts"
import { cut, LIMITS } from "../domain/foreignText.ts"
import type { Printed } from "./printed.ts"
import { plainColumns } from "./table.ts"

/** What each column shows of an assignment. PINNED is shown if one of them is. */
export const COLUMNS: Readonly<Record<string, (assignment: Assignment) => string>> = {
  KEY: ({ key }) => cut(key, LIMITS.key),
  PORT: ({ port }) => String(port),
  KIND: ({ kind }) => kind,
  HEALTH: ({ health }) => health.state,
  PINNED: ({ pinned }) => (pinned ? "pinned" : ""),
  DESCRIPTION: ({ description }) => description ?? ""
}

/** Formats the assignments as a table for a pipe: complete and without colours. */
export const plainTable = (assignments: ReadonlyArray<Assignment>): Printed => {
  const { PINNED, ...others } = COLUMNS
  return plainColumns(assignments.some(({ pinned }) => pinned) ? COLUMNS : others, assignments)
}
