// The man page, made of what `d help` says, so that nothing is written twice.

/** Makes text safe in roff: in a line of its own, with hyphens that can be copied. */
const escaped = (text) => {
  const safe = text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replace(/[^\x20-\x7e]/gu, (letter) => `\\[u${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`)
  return /^[.]/.test(safe) ? `\\&${safe}` : safe
}

const bold = (text) => `\\fB${escaped(text)}\\fR`

const paragraphs = (texts) => texts.flatMap((text) => [".PP", escaped(text)])

/** Lines that stay as they are. */
const verbatim = (lines) => [".nf", ...lines.map(escaped), ".fi"]

const option = ({ help, name, repeated, required, value }) => [
  ".TP",
  `${bold(name)}${value === null ? "" : ` \\fI${escaped(value)}\\fR`}`,
  escaped([help, ...(required ? ["required"] : []), ...(repeated ? ["may be repeated"] : [])].join("; "))
]

const section = ({ details, examples, name, options, summary, usage }) => [
  `.SS ${bold(name)}`,
  `${escaped(summary)}.`,
  ".PP",
  ...verbatim(usage),
  ...paragraphs(details),
  ...options.flatMap(option),
  ...(examples.length === 0 ? [] : [".PP", "Examples:", ".PP", ...verbatim(examples)])
]

/** Returns the page d(1) of the documents of all commands, and the text of `d help`. */
export const manPage = (commands, help, version) => {
  /** The lines of a part of the help, which are indented. */
  const part = (title) => {
    const lines = help.split("\n")
    const begin = lines.findIndex((line) => line.startsWith(title))
    const rest = lines.slice(begin + 1)
    return rest.slice(0, rest.indexOf("")).map((line) => line.replace(/^ {2}/, ""))
  }
  return [
    `.TH D 1 "" "automatelinux\\-ports ${version}" "User Commands"`,
    ".SH NAME",
    "d \\- the registry of TCP ports of a developer\\(aqs machines",
    ".SH SYNOPSIS",
    ".B d",
    "\\fICOMMAND\\fR [\\fIOPTION\\fR]\\|.\\|.\\|.",
    ".SH DESCRIPTION",
    escaped(help.split("\n")[0]),
    ...paragraphs([
      "The other name of the program is automatelinux-ports. A command prints its result on standard output, and everything else on standard error; with --json, the result is one JSON document."
    ]),
    ".SH COMMANDS",
    ...commands.flatMap(section),
    ".SH EXIT STATUS",
    ...part("Exit codes").flatMap((line) => {
      const [, code, meaning] = /^(\d+) +(.*)/.exec(line)
      return [".TP", bold(code), escaped(meaning)]
    }),
    ".SH ENVIRONMENT",
    ...verbatim(part("Environment")),
    ".SH FILES",
    ".TP",
    "\\fI~/.local/state/automatelinux/ports.sqlite\\fR",
    "the registry, unless another one is configured",
    ".TP",
    "\\fI~/.config/automatelinux/ports.json\\fR",
    "the configuration",
    ".SH SEE ALSO",
    "The directory docs of the package has everything else."
  ]
    .join("\n")
    .concat("\n")
}
