import type { CommandSpec, OptionSpec } from "./CommandSpec.ts"
import { commandList } from "./commands.ts"

const INDENT = "  "

/** `text` in lines of at most `width` columns. Help is ASCII but for `…`, so a character is a column. */
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

/** The help of one command. */
export const commandHelp = (command: CommandSpec, width: number): string =>
  [
    ...wrap(`${command.summary}.`, width),
    "",
    "Usage:",
    ...command.usage.map((usage) => `${INDENT}d ${command.name} ${usage}`.trimEnd()),
    ...command.details.flatMap((paragraph) => ["", ...wrap(paragraph, width)]),
    "",
    "Options:",
    ...columns([...command.options.map(optionRow), ["--help, -h", "print this help"]], width),
    "",
    "Examples:",
    ...command.examples.map((example) => INDENT + example),
    ""
  ].join("\n")

/** The help of the program. */
export const rootHelp = (width: number): string =>
  [
    ...wrap("d is the registry of TCP ports for everything that runs on a developer's machines.", width),
    "",
    "Usage:",
    `${INDENT}d COMMAND [options]`,
    "",
    "Commands:",
    ...columns(
      commandList.map((command): [string, string] => [command.name, command.summary]),
      width
    ),
    "",
    "Options:",
    ...columns(
      [
        ["--json", "answer with one JSON document"],
        ["--help, -h", "print the help of the command"],
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
        ["1", "the answer is no: not set, not found, in conflict, range full"],
        ["2", "the call is wrong"],
        ["3", "the registry cannot be reached, or not be sure"],
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
          "where the registry is kept; sqlite:/PATH/TO/FILE or mysql://USER:PASSWORD@HOST/NAME"
        ],
        ["AUTOMATELINUX_APP_RANGE", "where pairs come from; 3000-3499"],
        ["AUTOMATELINUX_SPECIAL_RANGE", "where special ports come from; 3500-3999"],
        ["AUTOMATELINUX_RESERVED_PORTS", "what is held back besides; 3128,3200-3210,-3306"]
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
