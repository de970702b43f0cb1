import type { AgentsStatus } from "../domain/Agents.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import { type Files, filesOnDisk } from "../files/filesOnDisk.ts"
import type { Agent } from "./agentTable.ts"
import type { Part } from "./parts.ts"

/** Returns what is in the file of a part, or that it cannot be read. */
export const statusOf = (part: Part, files: Files) => {
  try {
    return part.status(files.read(part.file))
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    return { state: "unreadable" as const, detail: error.message }
  }
}

/** Returns what is written for each agent, and whether it works. */
export const statusOfAgents = (agents: ReadonlyArray<Agent>): AgentsStatus => {
  const files = filesOnDisk()
  return {
    agents: agents.map(({ found, name, parts, title }) => ({
      agent: name,
      title,
      found,
      parts: parts.map((each) => ({ part: each.part, file: each.file, ...statusOf(each, files) }))
    }))
  }
}
