import type { Examination } from "../domain/Finding.ts"
import { type CommandSpec, json } from "./CommandSpec.ts"

/** The commands for diagnosis. */
export const doctorCommands = {
  doctor: {
    name: "doctor",
    kind: "registry",
    common: true,
    readOnly: false,
    idempotent: false,
    usesRanges: true,
    summary: "Check for unreachable, stale, taken and conflicting ports, and suggest fixes",
    usage: [
      "[--check NAME] [--severity LEVEL] [--all] [--strict] [--fix] [--accept KEY]",
      "--ignore NAME [--key KEY] [--port PORT] --reason TEXT",
      "--unignore NAME [--key KEY] [--port PORT]"
    ],
    synonyms: ["diagnose"],
    options: [
      { name: "check", value: "NAME", type: "check", help: "run only this check" },
      {
        name: "severity",
        value: "LEVEL",
        type: "severity",
        help: "report only findings that are at least this severe: error, warning or info"
      },
      { name: "all", help: "show the infos and what is ignored, too, instead of their number" },
      { name: "strict", help: "exit with 1 on infos, too" },
      { name: "fix", help: "fix what is safe to fix: claims, missing tables, a dead socket" },
      {
        name: "accept",
        value: "KEY",
        type: "key",
        help: "accept the process now listening on KEY's port as its owner"
      },
      {
        name: "ignore",
        value: "NAME",
        type: "check",
        help: "ignore what this check finds from now on: about --key or --port, or all of it"
      },
      { name: "unignore", value: "NAME", type: "check", help: "no longer ignore it" },
      { name: "key", value: "KEY", type: "key", help: "ignore, or no longer ignore, only findings about this key" },
      { name: "port", value: "PORT", type: "port", help: "ignore, or no longer ignore, only findings about this port" },
      { name: "reason", value: "TEXT", type: "reason", help: "say why they are ignored" },
      json
    ],
    details: [
      "Works with and without a daemon, and with the database down. Each finding states the problem, the evidence and a command that fixes it. The doctor never releases or moves a port or stops a process.",
      "Exits with 0 if there is no error and no warning, otherwise with 1; with --severity error, only an error counts. What is ignored does not count. docs/doctor.md explains every check."
    ],
    examples: [
      "d doctor",
      "d doctor --check port-taken --json",
      "d doctor --ignore port-unreachable --key cad-prod --reason 'runs in the cloud'"
    ],
    exitCode: (result) => ((result as Examination).healthy ? 0 : 1)
  },
  explain: {
    name: "explain",
    kind: "registry",
    common: true,
    readOnly: true,
    idempotent: true,
    usesRanges: true,
    summary: "Show everything about one port",
    usage: ["--port PORT", "--key KEY"],
    short: { usage: "explain PORT|KEY", options: ["port", "key"] },
    synonyms: ["who", "why", "what", "lsof"],
    options: [
      { name: "port", value: "PORT", type: "port", help: "explain this port, 1 to 65535" },
      { name: "key", value: "KEY", type: "key", help: "explain the port that this key has, or had" },
      json
    ],
    details: [
      "Shows which key has the port, since when and why, what listens on it, its health, its history, and what is wrong with it; for a free port, whether it would be allocated."
    ],
    examples: ["d explain --port 3005", "d explain --key cad-dev"]
  }
} as const satisfies Record<string, CommandSpec>
