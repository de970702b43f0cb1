import { type PortCheck, VERDICTS, type Verdict } from "../domain/PortCheck.ts"
import { type CommandSpec, json, type OptionSpec } from "./CommandSpec.ts"

/** How `d env` writes variables. */
export const ENV_FORMATS = ["dotenv", "shell", "json", "compose", "github"] as const

/** The options that name a key, or the app of a directory. */
const named = (verb: string): ReadonlyArray<OptionSpec> => [
  { name: "key", value: "KEY", type: "key", help: `${verb} this key` },
  { name: "app", value: "APP", type: "app", help: `${verb} this app, instead of the one of this directory` },
  { name: "mode", value: "MODE", type: "mode", help: "choose the app's prod or dev port; default dev" }
]

const dir = (help: string): OptionSpec => ({ name: "dir", value: "PATH", type: "directory", help })

const siblings = (help: string): OptionSpec => ({
  name: "env",
  value: "NAME=WHAT",
  type: "text",
  help,
  repeated: true
})

const HERE =
  "Without --key and --app, the app of the current directory is meant: the one that has the directory, or else the one named by package.json, or by the folder. A linked git worktree has an app of its own."

const EXIT_CODES: Readonly<Record<Verdict, number>> = { own: 0, nothing: 1, unknown: 3, other: 4 }

/** Returns the exit code of `check`. */
const exitCodeOf = (result: unknown): number => {
  const { verdict } = result as PortCheck
  return EXIT_CODES[VERDICTS.find((each) => each === verdict) ?? "unknown"]
}

/** The commands that run programs on their ports, and find out whose server answers. */
export const runCommands = {
  run: {
    name: "run",
    kind: "local",
    common: true,
    readOnly: false,
    idempotent: false,
    usesRanges: true,
    summary: "Run a command with the port of this directory's app",
    usage: [
      "[--app APP] [--mode prod|dev] [--env NAME=WHAT]… [--] COMMAND…",
      "--key KEY [--env NAME=WHAT]… [--] COMMAND…"
    ],
    options: [
      ...named("run the command on the port of"),
      siblings("set NAME to another key's port or URL: port:KEY or url:KEY"),
      { name: "host", value: "ADDRESS", type: "text", help: "set HOST to this address" },
      { name: "no-inject", help: "add no options for tools that ignore PORT" },
      { name: "takeover", help: "first end the server of this directory that runs already" },
      { name: "wait", help: "start it in the background, and return when it accepts connections" },
      {
        name: "timeout",
        value: "TIME",
        type: "time",
        goesWith: "wait",
        help: "with --wait, end it if it accepts no connection for this long; default 60s"
      },
      json
    ],
    details: [
      "The command gets PORT; D_KEY, D_DIR, D_PORT and D_URL say whose port it is. {port}, {url} and {port:KEY} in its words are replaced. Tools that ignore PORT get their option for it, also through npx, npm run and the like: vite, astro, ng, and others that docs/run.md lists.",
      "If something listens on the port already, nothing is started, and what it is and where it works is told.",
      "Exits as the command does, with its code or by its signal; with 125 if d fails, 126 if the command cannot be executed, and 127 if it is not found. Leaves none of its processes behind.",
      HERE
    ],
    examples: ["d run npm run dev", "d run --env API_URL=url:api-dev -- npx vite", "d run --wait npm start"],
    operand: { name: "COMMAND", type: "words" },
    errorCode: 125
  },
  env: {
    name: "env",
    kind: "local",
    common: true,
    readOnly: false,
    idempotent: false,
    usesRanges: true,
    here: "meant",
    summary: "Print the .env variables of this directory's app, or write them",
    usage: [
      "[--key KEY | --app APP] [--mode prod|dev] [--env NAME=WHAT]… [--format FORMAT]",
      "--write FILE [--if-present] [--check] [OPTION]…",
      "--write FILE --remove"
    ],
    synonyms: ["dotenv"],
    options: [
      ...named("print the variables of"),
      siblings("add NAME with another key's port or URL: port:KEY or url:KEY; {app} is this app"),
      {
        name: "format",
        value: "FORMAT",
        type: "env-format",
        help: "choose dotenv (the default), shell, json, compose (for docker compose) or github (for $GITHUB_ENV)"
      },
      { name: "write", value: "FILE", type: "file", help: "keep the variables in a marked block of this file" },
      { name: "if-present", help: "with --write, do nothing if the file has no block" },
      { name: "check", help: "with --write, change nothing, and exit with 1 if the file is out of date" },
      { name: "remove", help: "with --write, take the block away, and leave the file as it was before" },
      dir("use this directory instead of the current one"),
      { name: "no-dir", help: "do not make the directory the owner of the port" },
      json
    ],
    details: [
      "The variables are PORT; APP_PROD_PORT and APP_DEV_PORT with the app's name in upper case; and D_KEY, D_DIR, D_PORT and D_URL, which say whose port it is. Claims a port if there is none, as claim does.",
      "A block remembers the options that it was written with: without any, --write brings it up to date. Nothing outside of it changes, but that lines which set the same variables are commented out until it is removed. Links are followed, but not to a file of another project.",
      HERE
    ],
    examples: [
      "d env --write .env",
      "d env --write .env --check",
      'eval "$(d env --format shell)"',
      "d env --format compose --env WEB_PORT=port:{app}-dev --write .env",
      'd env --format github >> "$GITHUB_ENV"'
    ]
  },
  open: {
    name: "open",
    kind: "local",
    readOnly: true,
    idempotent: true,
    summary: "Open the URL of a key in the browser",
    usage: ["[--app APP] [--mode prod|dev] [--path PATH] [--https]", "--key KEY [--path PATH] [--https]"],
    short: { usage: "open [KEY]", options: ["key"] },
    synonyms: ["browse"],
    options: [
      ...named("open the URL of"),
      { name: "path", value: "PATH", type: "text", help: "add this path" },
      { name: "https", help: "begin the URL with https://" },
      json
    ],
    details: ["Uses xdg-open, wslview or open, and prints the URL.", HERE],
    examples: ["d open", "d open --key cad-dev --path /login"]
  },
  claim: {
    name: "claim",
    kind: "registry",
    common: true,
    readOnly: false,
    idempotent: true,
    usesRanges: true,
    here: "meant",
    summary: "Print the port of this directory's app, and claim one if it has none",
    usage: ["[--app APP] [--mode prod|dev] [--dir PATH] [--no-dir]", "--key KEY [--dir PATH] [--no-dir]"],
    short: { usage: "claim [KEY]", options: ["key"] },
    options: [
      ...named("claim a port for"),
      dir("use this directory instead of the current one"),
      { name: "no-dir", help: "do not make the directory the owner of the port" },
      json
    ],
    details: [
      "Prints the port and nothing else. Claims a pair for an app, and one port for a key that is not part of an app, as allocate does. The directory becomes the owner of the port, so that d doctor and d check know whose server answers.",
      HERE,
      "If the name is the app of another directory, this one gets a longer name, and a line on standard error says so. An app that is named with --app and belongs to another directory is refused."
    ],
    examples: ["npm run dev -- -p $(d claim)", "d claim --app cad --mode prod"]
  },
  check: {
    name: "check",
    kind: "registry",
    common: true,
    readOnly: true,
    idempotent: true,
    here: "meant",
    summary: "Check whether the server that answers on a port is this directory's",
    usage: ["[--app APP] [--mode prod|dev] [--dir PATH] [--wait TIME]", "--key KEY [--dir PATH] [--wait TIME]"],
    short: { usage: "check [KEY]", options: ["key"] },
    synonyms: ["verify"],
    options: [
      ...named("check the port of"),
      dir("check that the server belongs to this directory; default: the current one"),
      { name: "wait", value: "TIME", type: "time", help: "wait this long for a server, for example 30s" },
      json
    ],
    details: [
      "Exits with 0 if the listener works in the directory, with 1 if nothing listens or the key has no port, with 4 if the server is another's, and with 3 if that cannot be found out, for example because the process is another user's.",
      "Tests that pass against another worktree's server are worse than tests that fail: run this before them.",
      HERE
    ],
    examples: ["d check --wait 30s && npm test", "d check --key cad-dev --dir ~/dev/cad"],
    exitCode: exitCodeOf
  },
  url: {
    name: "url",
    kind: "registry",
    readOnly: true,
    idempotent: true,
    here: "meant",
    summary: "Print the URL of a key",
    usage: ["[--app APP] [--mode prod|dev] [--dir PATH] [--path PATH] [--https]", "--key KEY [--path PATH] [--https]"],
    short: { usage: "url [KEY]", options: ["key"] },
    options: [
      ...named("print the URL of"),
      dir("use this directory instead of the current one"),
      { name: "path", value: "PATH", type: "text", help: "add this path" },
      { name: "https", help: "begin it with https://" },
      json
    ],
    details: [HERE],
    examples: ["d url --key cad-dev", "d url --path /login"]
  }
} as const satisfies Record<string, CommandSpec>
