import type { AgentFile, AgentsResult } from "../domain/Agents.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import { type Change, type Files, filesInMind, filesOnDisk } from "../files/filesOnDisk.ts"
import { isProblem, refused } from "../files/problem.ts"
import type { Agent } from "./agentTable.ts"
import type { Part, Planned } from "./parts.ts"
import { statusOf } from "./status.ts"

/** The agents that were changed, and those that were refused, each with the reason. */
export interface Outcome {
  readonly result: AgentsResult
  readonly failures: ReadonlyArray<CommandError>
}

interface Step {
  readonly file: AgentFile
  readonly change: Change | undefined
}

const stepOf = ({ directories, file, mode, part }: Part, before: string | undefined, planned: Planned): Step => {
  const { added, removed, text } = planned
  const change = before === text ? "none" : before === undefined ? "made" : text === undefined ? "removed" : "changed"
  return {
    file: { part, file, change, removed, added },
    change: change === "none" ? undefined : { file, text, mode, directories }
  }
}

const install = (part: Part, files: Files): Step => {
  const before = files.read(part.file)
  const planned = part.install(before)
  if (isProblem(planned)) throw refused(part.file, planned)
  return stepOf(part, before, planned)
}

/** Whether an agent has an entry of ours, or may have one, and so uses what it shares with others. */
const usesEntry = ({ parts }: Agent, files: Files): boolean =>
  parts.some((part) => part.part === "mcp" && !["none", "foreign"].includes(statusOf(part, files).state))

const uninstall = (part: Part, files: Files, others: ReadonlyArray<Agent>): ReadonlyArray<Step> => {
  const before = files.read(part.file)
  if (before === undefined) return []
  const planned = part.uninstall(before)
  if (isProblem(planned)) throw refused(part.file, planned)
  const step = stepOf(part, before, planned)
  if (step.change === undefined) return []
  const shared = others.filter(({ parts }) => parts.some(({ file }) => file === part.file))
  return shared.some((other) => usesEntry(other, files))
    ? [{ file: { ...step.file, change: "kept", removed: [] }, change: undefined }]
    : [step]
}

/** Runs `steps` for each agent: everything for it is written, or nothing. */
const forEach = (
  agents: ReadonlyArray<Agent>,
  dryRun: boolean,
  steps: (agent: Agent, files: Files) => ReadonlyArray<Step>
): Outcome => {
  const files = dryRun ? filesInMind() : filesOnDisk()
  const done: Array<AgentsResult["agents"][number]> = []
  const failures: Array<CommandError> = []
  for (const agent of agents) {
    try {
      const taken = steps(agent, files)
      files.write(taken.flatMap(({ change }) => change ?? []))
      if (taken.length > 0) done.push({ agent: agent.name, files: taken.map(({ file }) => file) })
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error
      const { code, hint, message } = error.error
      failures.push({ code, message: `nothing is changed for ${agent.title}: ${message}`, hint })
    }
  }
  return { result: { dryRun, agents: done }, failures }
}

/** Writes everything for these agents. */
export const installFor = (agents: ReadonlyArray<Agent>, dryRun: boolean): Outcome =>
  forEach(agents, dryRun, ({ parts }, files) => parts.map((part) => install(part, files)))

/** Whether everything for an agent can be removed. */
const isRemovable = ({ parts }: Agent): boolean => {
  const files = filesOnDisk()
  try {
    return parts.every((part) => {
      const text = files.read(part.file)
      return text === undefined || !isProblem(part.uninstall(text))
    })
  } catch {
    return false
  }
}

/** Removes everything for `agents`, but what others of `all` share and use. */
export const uninstallFor = (agents: ReadonlyArray<Agent>, all: ReadonlyArray<Agent>, dryRun: boolean): Outcome => {
  const remaining = all.filter((each) => !agents.includes(each) || !isRemovable(each))
  const kept = new Set<string>()
  return forEach(agents, dryRun, ({ parts }, files) =>
    parts.flatMap((part) => {
      // A file that several agents share is reported once.
      const steps = kept.has(part.file) ? [] : uninstall(part, files, remaining)
      for (const { file } of steps) if (file.change === "kept") kept.add(file.file)
      return steps
    })
  )
}
