import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { AGENT_NAMES } from "../domain/Agents.ts"
import type { CommandError, LastError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { tryRead } from "../machine/tryRead.ts"
import { agentsText, statusTable } from "../text/agentsText.ts"
import { asTyped } from "../text/escape.ts"
import { type Printed, printedJson } from "../text/printed.ts"
import { type Agent, agentsIn } from "./agentTable.ts"
import { installFor, uninstallFor } from "./change.ts"
import { isFromNpx, ownProgram } from "./program.ts"
import { statusOfAgents } from "./status.ts"
import { PARAGRAPH_BEGIN } from "./texts.ts"

/** What `d agents` needs of the client. */
export interface AgentsMeans {
  readonly environment: Environment
  /** The root of the project of the current directory. */
  readonly root: string
  /** The Node that runs this d, and the file that it was started by. */
  readonly node: string
  readonly script: string
  /** Writes lines to standard error. */
  readonly tell: (...lines: ReadonlyArray<string>) => Promise<void>
}

interface Request {
  readonly action: string
  /** The agents that are named. */
  readonly names: ReadonlyArray<string>
  readonly dryRun: boolean
  readonly json: boolean
}

const ALL = AGENT_NAMES.join(", ")

const wrongName = (names: ReadonlyArray<string>): CommandError | undefined => {
  const wrong = names.find((name) => !AGENT_NAMES.some((each) => each === name))
  if (wrong === undefined) return undefined
  return { code: "invalid", message: `no agent is called ${asTyped(wrong)}`, hint: `--for takes one of ${ALL}` }
}

/** Says that Claude Code will not read the paragraph, if that can be seen: a CLAUDE.md comes before AGENTS.md. */
const paragraphNote = ({ parts }: Agent): string | undefined => {
  const paragraph = parts.find(({ part }) => part === "paragraph")
  if (paragraph === undefined) return undefined
  const claudeMd = join(dirname(paragraph.file), "CLAUDE.md")
  const text = tryRead(() => readFileSync(claudeMd, "utf8"), undefined)
  // It may also be a link to AGENTS.md.
  return text === undefined || text.includes("@AGENTS.md") || text.includes(PARAGRAPH_BEGIN)
    ? undefined
    : `note: beside ${asTyped(claudeMd)}, Claude Code reads AGENTS.md only if that has the line @AGENTS.md`
}

/** Runs `d agents`, and returns what it prints, or its error. */
export const runAgents = async (request: Request, means: AgentsMeans): Promise<Printed | LastError> => {
  const { action, dryRun, json, names } = request
  const { environment, node, root, script, tell } = means
  const wrong = wrongName(names)
  if (wrong !== undefined) return wrong
  const own = ownProgram(node, script)
  const all = agentsIn({ environment, platform: process.platform, root, own })
  const chosen = (otherwise: (agent: Agent) => boolean) =>
    all.filter((agent) => (names.length === 0 ? otherwise(agent) : names.includes(agent.name)))
  if (action === "status") {
    const status = statusOfAgents(chosen(() => true))
    return json ? printedJson(status) : statusTable(status)
  }
  const agents = chosen(({ found }) => action === "uninstall" || found)
  if (agents.length === 0)
    return {
      code: "not-found",
      message: "no coding agent is found on this machine",
      hint: `name it: d agents install --for ${AGENT_NAMES[0]}; --for takes one of ${ALL}`
    }
  if (action === "install" && isFromNpx(own))
    await tell(
      "warning: this d is in the cache of npx, which npm may empty: npm install -g automatelinux-ports, and run this again"
    )
  const { failures, result } = action === "install" ? installFor(agents, dryRun) : uninstallFor(agents, all, dryRun)
  const notes = action === "install" && !dryRun ? agents.flatMap((agent) => paragraphNote(agent) ?? []) : []
  if (notes.length > 0) await tell(...notes)
  const text = agentsText(result, action)
  const last = failures.at(-1)
  if (last === undefined) return json ? printedJson(result) : text
  // A command that failed prints no result: what was done for the other agents goes to standard error.
  if (result.agents.length > 0) await tell(...text.split("\n"))
  return { ...last, earlier: failures.slice(0, -1) }
}
