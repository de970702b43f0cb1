import type { Examination } from "../domain/Finding.ts"
import { type CommandSpec, json } from "./CommandSpec.ts"

/** The commands on what is wrong. */
export const doctorCommands = {
  doctor: {
    name: "doctor",
    kind: "registry",
    readOnly: false,
    idempotent: false,
    usesRanges: true,
    summary: "Tell what is unreachable, stale, taken or in conflict, and what mends it",
    usage: ["[--check NAME] [--strict] [--fix] [--accept KEY]"],
    options: [
      { name: "check", value: "NAME", type: "check", help: "make this check alone" },
      { name: "strict", help: "let infos count" },
      { name: "fix", help: "mend what is safe to mend: claims, missing tables, a dead socket" },
      { name: "accept", value: "KEY", type: "key", help: "who serves the port of KEY now is right" },
      json
    ],
    details: [
      "Works with and without a daemon, and with the database down. Each finding has what is wrong, what was seen that says so, and the command that mends it. Nothing is ever freed, moved or ended by itself.",
      "The exit code is 0 where there is no error and no warning, otherwise 1. docs/doctor.md explains every check."
    ],
    examples: ["d doctor", "d doctor --check port-taken --json"],
    exitCode: (result) => ((result as Examination).healthy ? 0 : 1)
  },
  explain: {
    name: "explain",
    kind: "registry",
    readOnly: true,
    idempotent: true,
    usesRanges: true,
    summary: "Tell everything about one port",
    usage: ["--port PORT", "--key KEY"],
    options: [
      { name: "port", value: "PORT", type: "port", help: "the port, 1 to 65535" },
      { name: "key", value: "KEY", type: "key", help: "the key whose port it is, or was" },
      json
    ],
    details: [
      "Whose it is, since when and why, what listens there, its health, its history, and what is wrong with it; of a free port, whether it could be allocated."
    ],
    examples: ["d explain --port 3005", "d explain --key cad-dev"]
  }
} as const satisfies Record<string, CommandSpec>
