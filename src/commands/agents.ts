import { type CommandSpec, json } from "./CommandSpec.ts"

/** The commands for coding agents. */
export const agentCommands = {
  mcp: {
    name: "mcp",
    kind: "local",
    readOnly: false,
    idempotent: false,
    summary: "Serve the ports to coding agents, by the Model Context Protocol",
    usage: [""],
    options: [],
    details: [
      "Reads requests from standard input and writes answers to standard output, until the input ends. Once d agents install has set it up, an agent starts it on its own.",
      "The tools allocate, get, list, explain, check, doctor, release, history and undo do what the commands do. None ends a process."
    ],
    examples: ["claude mcp add ports -- d mcp"]
  },
  agents: {
    name: "agents",
    kind: "local",
    readOnly: false,
    idempotent: false,
    summary: "Set up coding agents to use d, or show what is set up",
    usage: ["install [--for AGENT]… [--dry-run]", "uninstall [--for AGENT]… [--dry-run]", "status [--for AGENT]…"],
    synonyms: ["agent", "skill"],
    options: [
      {
        name: "for",
        value: "AGENT",
        type: "agent",
        help: "choose an agent: claude, codex, cursor, gemini, vscode or agents-md",
        repeated: true
      },
      { name: "dry-run", help: "print the files and lines that would change, and change nothing" },
      json
    ],
    details: [
      "install writes an entry for the MCP server into the agent's own configuration, in your home, and a skill beside it: when to ask d for a port, and what never to do. For agents-md, it writes a paragraph into AGENTS.md in the root of this directory's repository. Nothing else in these files changes, and if one cannot be parsed, nothing is changed for that agent.",
      "Without --for, install does so for the agents that are used here: those that have files of their own. AGENTS.md must exist, too, unless agents-md is named.",
      "uninstall removes exactly that. status says what is installed, and which entries start a d that is gone, or another one.",
      "The entry has the absolute paths of Node and of d, because an agent may not have the PATH of your shell. After you have moved or removed either, run install again."
    ],
    examples: ["d agents install --dry-run", "d agents install --for claude --for agents-md", "d agents status"],
    operand: { name: "ACTION", type: "choice", choices: ["install", "uninstall", "status"] }
  }
} as const satisfies Record<string, CommandSpec>
