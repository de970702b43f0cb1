import { existsSync, readdirSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import type { AgentName } from "../domain/Agents.ts"
import type { Environment } from "../domain/Environment.ts"
import { worktreeOf } from "../machine/gitWorktree.ts"
import { tryRead } from "../machine/tryRead.ts"
import { home } from "../machine/user.ts"
import { jsonFile } from "./jsonFile.ts"
import { mcpPart, type Part, paragraphPart, SERVER, skillPart } from "./parts.ts"
import type { Program } from "./program.ts"
import { SKILL_NAME } from "./texts.ts"
import { tomlFile } from "./tomlFile.ts"

/** The environment that says where the files of agents are. */
export interface Surroundings {
  readonly environment: Environment
  readonly platform: NodeJS.Platform
  /** The root of the project of the current directory. */
  readonly root: string
  readonly own: Program
}

/** A coding agent, with what is written for it. */
export interface Agent {
  readonly name: AgentName
  readonly title: string
  /** Whether it seems to be used here. */
  readonly found: boolean
  readonly parts: ReadonlyArray<Part>
}

const path = (environment: Environment, variable: string, otherwise: string): string => {
  const value = environment[variable]
  return value !== undefined && isAbsolute(value) ? value : otherwise
}

/** Whether there is something in a directory: an agent that was uninstalled here may have left it empty. */
const isUsed = (directory: string): boolean => tryRead(() => readdirSync(directory).length > 0, false)

/**
 * Returns the agents, with the files that their documentation names, those of the user: an entry that names a program of this
 * machine does not belong in a repository. docs/agents.md has the table for users.
 */
export const agentsIn = ({ environment, own, platform, root }: Surroundings): ReadonlyArray<Agent> => {
  const user = path(environment, "HOME", home())
  const inHome = (...names: ReadonlyArray<string>) => join(user, ...names)
  const skill = (directory: string, ...more: ReadonlyArray<string>): Part =>
    skillPart(join(directory, "skills", SKILL_NAME, "SKILL.md"), [join(directory, "skills"), ...more])
  const json = (file: string, container: string, type?: string): Part =>
    mcpPart(file, jsonFile(container, SERVER, type), own, environment)
  /** The directory of skills that agents share. */
  const shared = inHome(".agents")
  const claude = path(environment, "CLAUDE_CONFIG_DIR", inHome(".claude"))
  const claudeJson = join(environment["CLAUDE_CONFIG_DIR"] === claude ? claude : user, ".claude.json")
  const codex = path(environment, "CODEX_HOME", inHome(".codex"))
  const codexToml = join(codex, "config.toml")
  const cursor = inHome(".cursor")
  const gemini = inHome(".gemini")
  const vscode =
    platform === "darwin"
      ? inHome("Library/Application Support/Code/User")
      : join(path(environment, "XDG_CONFIG_HOME", inHome(".config")), "Code/User")
  const agentsMd = join(worktreeOf(root)?.root ?? root, "AGENTS.md")
  return [
    {
      name: "claude",
      title: "Claude Code",
      found: isUsed(claude) || existsSync(claudeJson),
      parts: [json(claudeJson, "mcpServers", "stdio"), skill(claude)]
    },
    {
      name: "codex",
      title: "Codex",
      found: isUsed(codex),
      parts: [mcpPart(codexToml, tomlFile("mcp_servers", SERVER), own, environment), skill(shared, shared)]
    },
    {
      name: "cursor",
      title: "Cursor",
      found: isUsed(cursor),
      parts: [json(join(cursor, "mcp.json"), "mcpServers", "stdio"), skill(cursor)]
    },
    {
      name: "gemini",
      title: "Gemini CLI",
      found: isUsed(gemini),
      parts: [json(join(gemini, "settings.json"), "mcpServers"), skill(shared, shared)]
    },
    {
      name: "vscode",
      title: "VS Code",
      found: isUsed(vscode),
      parts: [json(join(vscode, "mcp.json"), "servers", "stdio"), skill(shared, shared)]
    },
    { name: "agents-md", title: "AGENTS.md", found: existsSync(agentsMd), parts: [paragraphPart(agentsMd)] }
  ]
}
