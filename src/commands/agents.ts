import type { CommandSpec } from "./CommandSpec.ts"

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
      "Reads requests from standard input and writes answers to standard output, until the input ends. An agent starts it by itself, once it is told about it: docs/agents.md says how.",
      "The tools allocate, get, list, explain, check, doctor and release do what the commands do. None ends a process."
    ],
    examples: ["claude mcp add ports -- d mcp"]
  }
} as const satisfies Record<string, CommandSpec>
