import type { Results } from "../commands/Results.ts"
import { type Printed, printed } from "./printed.ts"
import { GAP, plainColumns } from "./table.ts"
import type { Style } from "./terminalStyle.ts"
import { localTimes, wrapped } from "./terminalText.ts"

/** The width that evidence needs beside the names on a terminal. */
const EVIDENCE_MIN = 30

const COLUMNS = {
  KEY: ({ key }: Results["prune"]["pruned"][number]) => key,
  PORT: ({ port }: Results["prune"]["pruned"][number]) => String(port),
  WHY: ({ evidence }: Results["prune"]["pruned"][number]) => evidence
}

/** Lists what may go, with its evidence, or what was released. */
export const pruneText = ({ dryRun, pruned }: Results["prune"], { width }: Style): Printed => {
  if (!dryRun) return printed(pruned.map(({ key, port }) => `${key} ${port}`))
  if (width === undefined) return plainColumns(COLUMNS, pruned)
  if (pruned.length === 0) return printed([])
  const keys = Math.max(...pruned.map(({ key }) => key.length))
  const ports = Math.max(...pruned.map(({ port }) => String(port).length))
  const label = keys + ports + 2 * GAP.length
  const lines = pruned.map(({ evidence, key, port }) =>
    [key.padEnd(keys), String(port).padStart(ports), localTimes(evidence)].join(GAP)
  )
  return wrapped(printed(lines), width, width - label < EVIDENCE_MIN ? 0 : label)
}
