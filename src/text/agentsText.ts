import type { AgentFile, AgentPart, AgentState, AgentsResult, AgentsStatus } from "../domain/Agents.ts"
import { cut } from "../domain/foreignText.ts"
import { asTyped } from "./escape.ts"
import { changeVerb } from "./fileChange.ts"
import { joined, type Printed, printed } from "./printed.ts"
import { plainColumns } from "./table.ts"

/** What `d agents` prints. */

/** The longest line of a file that is shown. */
const LINE_MAX = 300

const fileLines = ({ added, change, file, removed }: AgentFile, agent: string, dryRun: boolean) => [
  `${agent}: ${changeVerb(change, dryRun)} ${asTyped(file)}${change === "kept" ? ", which other agents use" : ""}`,
  ...(dryRun
    ? [...removed.map((line) => `- ${line}`), ...added.map((line) => `+ ${line}`)].map((line) => cut(line, LINE_MAX))
    : [])
]

/** Formats what became of the files of agents; with `--dry-run` what would become of them, line by line. */
export const agentsText = ({ agents, dryRun }: AgentsResult, action: string): Printed =>
  printed(
    agents.length === 0
      ? ["nothing is installed for any agent"]
      : [
          ...agents.flatMap(({ agent, files }) => files.flatMap((file) => fileLines(file, agent, dryRun))),
          ...(action === "install" &&
          !dryRun &&
          agents.some(({ files }) => files.some(({ change }) => change !== "none"))
            ? ["a running agent reads this when it is started again"]
            : [])
        ]
  )

const NAMES: Readonly<Record<AgentPart, string>> = { mcp: "MCP server", skill: "skill", paragraph: "paragraph" }

const STATES: Readonly<Record<AgentState, string>> = {
  none: "not installed",
  current: "installed",
  old: "out of date",
  other: "another d",
  gone: "d is gone",
  foreign: "not by d",
  unreadable: "unreadable"
}

const OUTDATED: ReadonlyArray<AgentState> = ["old", "other", "gone"]

/** Formats the status of agents as a table, with what is wrong below it. */
export const statusTable = ({ agents }: AgentsStatus): Printed => {
  const parts = agents.flatMap(({ agent, found, parts }) => parts.map((each) => ({ agent, found, ...each })))
  const notes = parts.flatMap(({ agent, detail, file, state }) => {
    if (detail === null) return []
    return state === "unreadable" ? [`${asTyped(file)} ${detail}`] : [`${agent} starts ${detail}`]
  })
  const isOutdated = parts.some(({ state }) => OUTDATED.includes(state))
  const table = plainColumns(
    {
      AGENT: ({ agent }) => agent,
      FOUND: ({ found }) => (found ? "yes" : "no"),
      WHAT: ({ part }) => NAMES[part],
      STATE: ({ state }) => STATES[state],
      FILE: ({ file }) => asTyped(file)
    },
    parts
  )
  const below = [...notes, ...(isOutdated ? ["d agents install brings them up to date"] : [])]
  return below.length === 0 ? table : joined([table, printed(below)])
}
