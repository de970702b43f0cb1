import type { FileChange } from "./FileChange.ts"

export const AGENT_NAMES = ["claude", "codex", "cursor", "gemini", "vscode", "agents-md"] as const

export type AgentName = (typeof AGENT_NAMES)[number]

/** What `d agents` writes for a coding agent: its entry of the MCP server, the skill, and a paragraph in AGENTS.md. */
export type AgentPart = "mcp" | "skill" | "paragraph"

/** What becomes of a file, or became of it. */
export interface AgentFile {
  readonly part: AgentPart
  readonly file: string
  /** `kept`: another agent uses it. */
  readonly change: FileChange
  /** The lines that go, and the ones that come in their place. */
  readonly removed: ReadonlyArray<string>
  readonly added: ReadonlyArray<string>
}

/** The document of `d agents install` and `d agents uninstall`. */
export interface AgentsResult {
  readonly dryRun: boolean
  readonly agents: ReadonlyArray<{ readonly agent: string; readonly files: ReadonlyArray<AgentFile> }>
}

/**
 * `current`: as `d agents install` writes it. `old`: an earlier text. `other`: it starts another d. `gone`: it starts a program
 * that does not exist. `foreign`: not written by d. `unreadable`: the file cannot be read or parsed.
 */
export type AgentState = "none" | "current" | "old" | "other" | "gone" | "foreign" | "unreadable"

export interface AgentPartStatus {
  readonly part: AgentPart
  readonly file: string
  readonly state: AgentState
  /** What an entry starts that is not this d, or why a file is unreadable. */
  readonly detail: string | null
}

/** The document of `d agents status`. */
export interface AgentsStatus {
  readonly agents: ReadonlyArray<{
    readonly agent: string
    readonly title: string
    /** Whether the agent seems to be used here. */
    readonly found: boolean
    readonly parts: ReadonlyArray<AgentPartStatus>
  }>
}
