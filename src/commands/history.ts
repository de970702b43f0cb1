import { type CommandSpec, json, type OptionSpec } from "./CommandSpec.ts"

const number = (help: string): OptionSpec => ({ name: "number", value: "N", type: "number", help, isOperation: true })

/** The commands that look back. */
export const historyCommands = {
  history: {
    name: "history",
    kind: "registry",
    // It deletes with --trim, which may be repeated.
    readOnly: false,
    idempotent: true,
    summary: "Show what was changed, when and by whom",
    usage: ["[--key KEY | --app APP | --port PORT] [--since TIME] [--host HOST] [--limit N]", "--number N", "--trim"],
    short: { usage: "history N", options: ["number", "key"] },
    synonyms: ["log", "changes"],
    options: [
      number("show this operation with all of its changes"),
      { name: "key", value: "KEY", type: "key", help: "show only operations on this key, or on the app of this name" },
      { name: "app", value: "APP", type: "app", help: "show only operations on the keys of this app" },
      { name: "port", value: "PORT", type: "port", help: "show only operations on this port" },
      {
        name: "since",
        value: "TIME",
        type: "since",
        help: "show only operations since this time: 2026-11-26, 2026-11-26T14:00, or a time span such as 3d"
      },
      { name: "host", value: "HOST", type: "host", help: "show only operations by this host" },
      { name: "limit", value: "N", type: "number", help: "show at most so many operations, up to 1000; default 20" },
      { name: "trim", help: "delete what is older than AUTOMATELINUX_HISTORY_KEEP now" },
      json
    ],
    details: [
      "Shows operations, newest first. An operation is what one command changed; its number is the one that d undo takes. adopt, follow and drop are what other programs wrote to the settings table, as far as a later change noticed it.",
      "The history is kept for AUTOMATELINUX_HISTORY_KEEP, a year by default; the daemon deletes what is older."
    ],
    examples: ["d history", "d history --key cad-dev --since '2 days'", "d history --limit 1 --json"]
  },
  undo: {
    name: "undo",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    usesRanges: true,
    summary: "Take back an operation as a whole",
    usage: ["[--number N] [--dry-run] [--force]"],
    short: { usage: "undo N", options: ["number"] },
    synonyms: ["revert", "restore"],
    options: [
      number("take back this operation"),
      { name: "dry-run", help: "show what would be taken back, and change nothing" },
      { name: "force", help: "share a port that another key has by now, and take back ports that are up" },
      json
    ],
    details: [
      "Without a number, takes back the newest operation of this user on this host that is in effect; again, the one before. With one, that operation, whoever made it. Says which it was.",
      "Ports, claims, descriptions, owners, reservations and ignored findings come back as they were. If any of them was changed since, nothing is changed, and the error names the later operation."
    ],
    examples: ["d undo", "d undo --dry-run"]
  },
  redo: {
    name: "redo",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    usesRanges: true,
    summary: "Take back the last undo",
    usage: ["[--dry-run] [--force]"],
    options: [
      { name: "dry-run", help: "show what would be changed again, and change nothing" },
      { name: "force", help: "share a port that another key has by now, and take back ports that are up" },
      json
    ],
    details: [
      "Makes the operation again that this user took back last on this host; again, the one before. After another change there is nothing to redo; d undo N with the number of an undo takes it back at any time."
    ],
    examples: ["d redo"]
  }
} as const satisfies Record<string, CommandSpec>
