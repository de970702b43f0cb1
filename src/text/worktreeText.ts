import { cut } from "../domain/foreignText.ts"
import type { HealthState } from "../domain/Health.ts"
import type { HookResult, WorktreeApp, WorktreeEntry, WorktreeSetup } from "../domain/Worktrees.ts"
import { asTyped, escaped } from "./escape.ts"
import { changeVerb } from "./fileChange.ts"
import { type Line, type Printed, printed, type Span } from "./printed.ts"
import { GAP } from "./table.ts"
import { painter, type Style } from "./terminalStyle.ts"
import { cutTo, widthOf } from "./width.ts"

/** What `d worktree` prints. */

const HEAD = ["BRANCH", "APP", "PROD", "DEV", "STATE", "DIRECTORY"]
/** The columns of numbers, which end in one line. */
const NUMBERS = ["PROD", "DEV"]
/** The widths between which the names of branches and apps are cut on a terminal. */
const NAME = { min: 8, max: 30 }
/** The directory is cut, too, but not shorter than this. */
const DIRECTORY_MIN = 12

/** Returns the state of an app of a worktree: up if one of its ports is. */
const stateOf = ({ missing }: WorktreeEntry, app: WorktreeApp | undefined): HealthState | "missing" | "no ports" => {
  if (missing) return "missing"
  if (app === undefined) return "no ports"
  const states = [app.dev, app.prod].flatMap((each) => each?.health ?? [])
  return states.find((each) => each === "up") ?? states[0] ?? "no ports"
}

const branchOf = ({ bare, branch, head }: WorktreeEntry): string =>
  bare ? "(bare)" : (branch ?? `(detached ${head?.slice(0, 7) ?? ""})`)

const rowsOf = (each: WorktreeEntry): ReadonlyArray<ReadonlyArray<string>> =>
  (each.apps.length === 0 ? [undefined] : each.apps).map((app) =>
    [
      branchOf(each),
      app?.app ?? "-",
      app?.prod === null || app === undefined ? "-" : String(app.prod.port),
      app?.dev === null || app === undefined ? "-" : String(app.dev.port),
      stateOf(each, app),
      app?.directory ?? each.directory
    ].map(escaped)
  )

/** Cuts the start of a path, or of the app of a branch, because the end tells it from others. */
const endOf = (path: string, width: number): string => {
  if (widthOf(path) <= width) return path
  const characters = Array.from(path)
  while (widthOf(characters.join("")) > width - 1) characters.shift()
  return `…${characters.join("")}`
}

const COLOURS: Readonly<Record<string, Exclude<Span, string>["format"]>> = {
  up: "green",
  stale: "yellow",
  missing: "yellow",
  down: "dim",
  unknown: "dim",
  "no ports": "dim"
}

/** Returns how wide each cell of a column may be: the names share what the other columns leave. */
const widthOfNames = (rows: ReadonlyArray<ReadonlyArray<string>>, width: number): number => {
  const [, , ...others] = widthsOf(rows)
  const taken = others.slice(0, -1).reduce((sum, each) => sum + each, DIRECTORY_MIN + (HEAD.length - 1) * GAP.length)
  return Math.min(NAME.max, Math.max(NAME.min, Math.floor((width - taken) / 2)))
}

const widthsOf = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<number> =>
  HEAD.map((_, at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ""))))

/** Formats worktrees as a table: complete in a pipe, within its width on a terminal. */
export const worktreeTable = (worktrees: ReadonlyArray<WorktreeEntry>, { colour, width }: Style): Printed => {
  const whole = [HEAD, ...worktrees.flatMap(rowsOf)]
  const names = width === undefined ? Number.POSITIVE_INFINITY : widthOfNames(whole, width)
  const rows = whole.map(([branch = "", app = "", ...rest]) => [cutTo(branch, names), endOf(app, names), ...rest])
  const widths = widthsOf(rows)
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + GAP.length, 0)
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(DIRECTORY_MIN, width - before)
  const lines = rows.map((row, index): Line => {
    const cells = row.map((cell, at): ReadonlyArray<Span> => {
      const title = HEAD[at] ?? ""
      if (title === "DIRECTORY") return [endOf(cell, room)]
      const space = " ".repeat((widths[at] ?? 0) - widthOf(cell))
      const format = index === 0 ? undefined : title === "STATE" ? COLOURS[cell] : undefined
      const span: Span = format === undefined ? cell : { format, text: cell }
      return NUMBERS.includes(title) ? [space, span, GAP] : [span, space, GAP]
    })
    return cells.flat()
  })
  return printed(lines, painter(colour))
}

/** The longest line of a hook that is shown. */
const LINE_MAX = 200

/** Formats what became of a hook, or with `--dry-run` what would become of it, line by line. */
export const hookText = ({ dryRun, files }: HookResult, action: string): Printed =>
  printed(
    files.length === 0
      ? ["no hook of this repository has lines of d"]
      : files.flatMap(({ added, change, file, removed }) => [
          `${changeVerb(change, dryRun)} ${asTyped(file)}`,
          ...(dryRun
            ? [...removed.map((line) => `- ${line}`), ...added.map((line) => `+ ${line}`)].map((line) =>
                cut(line, LINE_MAX)
              )
            : []),
          ...(change === "none" || dryRun || action !== "install"
            ? []
            : ["a new worktree claims its ports from now on"])
        ])
  )

/** Formats what a worktree got; nothing if it had it already. */
export const setupText = ({ app, created, dev, prod, written }: WorktreeSetup): Printed =>
  printed([
    ...(created ? [`${app} has ${prod} (prod) and ${dev} (dev)`] : []),
    ...written.map((file) => `wrote ${file}`)
  ])
