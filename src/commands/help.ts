import type { CommandSpec, OptionSpec } from "./CommandSpec.ts"
import { commandList, shortNameOf, usagesOf } from "./commands.ts"

const INDENT = "  "

/** Wraps `text` to lines of at most `width` columns. Help is ASCII except for `…`, so a character is one column. */
const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const line = lines.at(-1)
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines
}

const columns = (rows: ReadonlyArray<readonly [string, string]>, width: number): ReadonlyArray<string> => {
  const left = Math.max(...rows.map(([name]) => name.length))
  const indent = INDENT.length + left + INDENT.length
  return rows.flatMap(([name, text]) =>
    wrap(text, Math.max(20, width - indent)).map(
      (line, at) => `${at === 0 ? (INDENT + name).padEnd(indent) : " ".repeat(indent)}${line}`
    )
  )
}

const optionRow = (option: OptionSpec): [string, string] => [
  `--${option.name}${option.value === undefined ? "" : ` ${option.value}`}`,
  option.help + (option.required ? " (required)" : "") + (option.repeated ? " (may be repeated)" : "")
]

/** Returns what the help of one command says, as a document. */
export const commandDocument = (command: CommandSpec) => ({
  name: command.name,
  summary: command.summary,
  usage: usagesOf(command),
  options: command.options.map((option) => ({
    name: `--${option.name}`,
    value: option.value ?? null,
    help: option.help,
    required: option.required === true,
    repeated: option.repeated === true
  })),
  details: command.details,
  examples: command.examples
})

/** Returns the help of one command. */
export const commandHelp = (command: CommandSpec, width: number): string =>
  [
    ...wrap(`${command.summary}.`, width),
    "",
    "Usage:",
    ...usagesOf(command).map((usage) => INDENT + usage),
    ...command.details.flatMap((paragraph) => ["", ...wrap(paragraph, width)]),
    "",
    "Options:",
    ...columns(
      [...command.options.map(optionRow), ["--wizard", "ask for each of these"], ["--help, -h", "print this help"]],
      width
    ),
    "",
    "Examples:",
    ...command.examples.map((example) => INDENT + example),
    ""
  ].join("\n")

/** Returns the help of the program. */
export const rootHelp = (width: number): string =>
  [
    ...wrap("d is the registry of TCP ports for everything that runs on a developer's machines.", width),
    "",
    "Usage:",
    `${INDENT}d COMMAND [options]`,
    "",
    "Commands:",
    ...columns(
      commandList.map((command): [string, string] => [
        [...new Set([command.name, shortNameOf(command)])].join(", "),
        command.summary
      ]),
      width
    ),
    "",
    "Options:",
    ...columns(
      [
        ["--json", "print one JSON document"],
        ["--help, -h", "print the help of the command"],
        ["--wizard", "ask for the command and its options, and show the line that does the same"],
        ["--version", "print the version"],
        ["--completions SHELL", "print completions for bash, zsh or fish"]
      ],
      width
    ),
    "",
    "Exit codes:",
    ...columns(
      [
        ["0", "done"],
        ["1", "negative answer: not set, not found, conflict, or range full"],
        ["2", "usage or configuration error"],
        ["3", "the registry is unreachable, or the outcome is unknown"],
        ["70", "a bug in d"]
      ],
      width
    ),
    "",
    "Environment (docs/configuration.md has them all):",
    ...columns(
      [
        [
          "AUTOMATELINUX_DATABASE_URL",
          "location of the registry: sqlite:/PATH/TO/FILE or mysql://USER:PASSWORD@HOST/NAME"
        ],
        ["AUTOMATELINUX_APP_RANGE", "range of the pairs; default 3000-3499"],
        ["AUTOMATELINUX_SPECIAL_RANGE", "range of the special ports; default 3500-3999"],
        ["AUTOMATELINUX_RESERVED_PORTS", "additional reserved ports, or with - exceptions: 3128,3200-3210,-3306"]
      ],
      width
    ),
    "",
    "Examples:",
    `${INDENT}d allocate --app cad`,
    `${INDENT}npm run dev -- -p $(d getPort --key cad-dev)`,
    `${INDENT}d listPorts`,
    ""
  ].join("\n")
