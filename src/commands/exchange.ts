import { ON_CONFLICT, type OnConflict } from "../domain/Exchange.ts"
import { type CommandSpec, json } from "./CommandSpec.ts"

/** The forms of `d export`. */
export const EXPORT_FORMATS = ["json", "csv", "markdown", "env", "sql"] as const

/** The forms that `d import` reads, those of a registry first, then those of other tools and files. */
export const IMPORT_FORMATS = [
  "json",
  "csv",
  "markdown",
  "outport",
  "portless",
  "devports",
  "port-selector",
  "consul",
  "compose",
  "procfile",
  "package",
  "env"
] as const

/** Returns 1 if rows did not fit, and so nothing was changed. */
const importExitCode = (result: unknown): number => {
  const { onConflict, refused } = result as {
    readonly onConflict: OnConflict
    readonly refused: ReadonlyArray<unknown>
  }
  return refused.length > 0 && onConflict !== "skip" ? 1 : 0
}

/** The commands that move a registry out and in. */
export const exchangeCommands = {
  export: {
    name: "export",
    kind: "registry",
    readOnly: true,
    idempotent: true,
    summary: "Print the whole registry, to move it or to read it elsewhere",
    usage: ["[--format FORMAT]"],
    synonyms: ["dump"],
    options: [
      {
        name: "format",
        value: "FORMAT",
        type: "export-format",
        help: `print ${EXPORT_FORMATS.join(", ")}; default json`
      },
      json
    ],
    details: [
      "json is complete: assignments with their descriptions, who claimed them and when, owners on all hosts, reservations, and what the doctor ignores. d import takes it, and a registry that was empty then exports the same bytes.",
      "csv and markdown are tables of keys, ports and descriptions, for people and for d import; env has lines such as CAD_DEV_PORT=3001; sql has INSERTs of the rows of the table settings, for MySQL, MariaDB and SQLite."
    ],
    examples: ["d export > ports.json", "d export --format markdown", "d export --format env"]
  },
  import: {
    name: "import",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    usesRanges: true,
    summary: "Add the ports in a file, or those in use right now",
    usage: [
      `FILE|- [--from FORMAT] [--on-conflict ${ON_CONFLICT.join("|")}] [--dry-run]`,
      "--scan [--range PORTS] [--yes] [--dry-run]"
    ],
    synonyms: ["load", "adopt"],
    options: [
      {
        name: "from",
        value: "FORMAT",
        type: "import-format",
        help: "read the file as FORMAT, instead of recognizing it"
      },
      {
        name: "on-conflict",
        value: "MODE",
        type: "conflict",
        help: "choose what to do with rows that do not fit: fail (default), skip them, or force them in"
      },
      { name: "scan", help: "propose a key for everything that listens and has none" },
      {
        name: "range",
        value: "PORTS",
        type: "text",
        help: "with --scan, look at these ports instead of the managed ranges"
      },
      { name: "yes", help: "with --scan, register all that is proposed" },
      { name: "dry-run", help: "show what would be changed, and change nothing" },
      json
    ],
    details: [
      `FORMAT is one of ${IMPORT_FORMATS.join(", ")}. It is recognized by the file's content and name. - is standard input.`,
      "All rows are imported in one operation, or none: d undo takes the whole import back. What is there already stays as it is; a description in the file replaces the one in the registry.",
      "A row does not fit if its key or its port is not valid, if its key has another port, or if its port belongs to another key or is reserved. All such rows are listed with their lines, and nothing is changed. With --on-conflict skip, the others are imported. With force, a key is moved to the port in the file, and shares it if another key has it, as with setPort --force.",
      "--scan lists what listens in the managed ranges and has no key, each with its process, directory, unit or compose project, and a proposed key. On a terminal you choose from the list; --yes registers all of it."
    ],
    examples: ["d import ports.json --dry-run", "d export --format csv | d import -", "d import --scan"],
    operand: { name: "FILE", type: "file", dash: true },
    exitCode: importExitCode
  }
} as const satisfies Record<string, CommandSpec>
