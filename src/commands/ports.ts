import { type CommandSpec, json, type OptionSpec } from "./CommandSpec.ts"

const key = (help: string): OptionSpec => ({ name: "key", value: "KEY", type: "key", help, required: true })
const apps: OptionSpec = {
  name: "app",
  value: "APP",
  type: "app",
  help: "an app, which has the pair APP-prod and APP-dev",
  repeated: true
}
const specials: OptionSpec = {
  name: "special",
  value: "KEY",
  type: "key",
  help: "a key of its own, for one port outside the app scheme",
  repeated: true
}

/** The commands on the assignments. */
export const portCommands = {
  allocate: {
    name: "allocate",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    usesRanges: true,
    summary: "Claim the next free pair for an app, or the next free port for a special service",
    usage: ["[--app APP]… [--special KEY]… [--description TEXT] [--dir PATH] [--dry-run]"],
    options: [
      apps,
      specials,
      { name: "description", value: "TEXT", type: "text", help: "what it is for; set on newly claimed keys only" },
      {
        name: "dir",
        value: "PATH",
        type: "directory",
        help: "the directory that it lives in on this host, for d doctor"
      },
      { name: "dry-run", help: "answer what it would do, and do nothing" },
      json
    ],
    details: [
      "An app gets an even port for prod and the next one for dev, from 3000; a special gets one port, from 3500. What has a port keeps it, so the same call may be made again and again. Several names in one call are all claimed or none.",
      "Passed over are ports that another key has, that are reserved, and that something on this machine has bound right now; for these a line on standard error says who."
    ],
    examples: ["d allocate --app cad", "d allocate --special pt-proxy --description 'Proxy of the transport app'"]
  },
  getPort: {
    name: "getPort",
    kind: "registry",
    readOnly: true,
    idempotent: true,
    summary: "Print the port of a key, and nothing else",
    usage: ["--key KEY", "--app APP --mode prod|dev"],
    options: [
      { name: "key", value: "KEY", type: "key", help: "the key to look up" },
      { name: "app", value: "APP", type: "app", help: "the app to look up, with --mode" },
      { name: "mode", value: "MODE", type: "mode", help: "prod or dev" },
      json
    ],
    details: ["Where no port is set, standard output stays empty and the exit code is 1."],
    examples: ["d getPort --key cad-dev", "npm run dev -- -p $(d getPort --app cad --mode dev)"]
  },
  setPort: {
    name: "setPort",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    usesRanges: true,
    summary: "Give a key a port of your choice, or describe it",
    usage: [
      "--key KEY --value PORT [--description TEXT] [--dir PATH] [--force]",
      "--key KEY [--description TEXT] [--dir PATH]"
    ],
    options: [
      key("the key to set"),
      { name: "value", value: "PORT", type: "port", help: "the port, 1 to 65535" },
      { name: "description", value: "TEXT", type: "text", help: "what it is for; '' takes it away" },
      {
        name: "dir",
        value: "PATH",
        type: "directory",
        help: "the directory that it lives in on this host, for d doctor"
      },
      { name: "force", help: "also where another key has the port" },
      json
    ],
    details: [
      "Refuses a port that another key has, and names it. A port that is reserved, in use or out of its range is set, with a warning."
    ],
    examples: ["d setPort --key cad-dev --value 3001 --description 'CAD app development'"]
  },
  listPorts: {
    name: "listPorts",
    kind: "registry",
    readOnly: true,
    idempotent: true,
    summary: "List the assignments by port",
    usage: ["[--app APP] [--health unknown|up|down|stale]"],
    options: [
      { name: "app", value: "APP", type: "app", help: "only the keys of this app" },
      { name: "health", value: "HEALTH", type: "health", help: "only what is unknown, up, down or stale" },
      json
    ],
    details: [],
    examples: ["d listPorts", "d listPorts --app cad --json"]
  },
  deletePort: {
    name: "deletePort",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    summary: "Remove the assignment of one key",
    usage: ["--key KEY"],
    options: [key("the key to remove"), json],
    details: ["The exit code is 1 where there is none."],
    examples: ["d deletePort --key cad-dev"]
  },
  release: {
    name: "release",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    summary: "Give back everything an app or a special has",
    usage: ["[--app APP]… [--special KEY]…"],
    options: [apps, specials, json],
    details: ["Answers what was given back. A name that has no port is no error; a line on standard error says so."],
    examples: ["d release --app cad"]
  },
  rename: {
    name: "rename",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    summary: "Give an assignment another key",
    usage: ["--key KEY --to KEY"],
    options: [
      key("the key as it is"),
      { name: "to", value: "KEY", type: "key", help: "the key as it shall be", required: true },
      json
    ],
    details: ["The port, its claim and the description go along."],
    examples: ["d rename --key loom-server --to loom-stream"]
  },
  reserve: {
    name: "reserve",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    usesRanges: true,
    summary: "Hold a port back from allocation",
    usage: ["--port PORT --reason TEXT"],
    options: [
      { name: "port", value: "PORT", type: "port", help: "the port, 1 to 65535", required: true },
      { name: "reason", value: "TEXT", type: "text", help: "why", required: true },
      json
    ],
    details: [
      "A key that has the port keeps it. What is reserved without asking stands in AUTOMATELINUX_RESERVED_PORTS and in the documentation."
    ],
    examples: ["d reserve --port 3128 --reason 'Squid on the build host'"]
  },
  unreserve: {
    name: "unreserve",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    usesRanges: true,
    summary: "Let a reserved port be allocated again",
    usage: ["--port PORT"],
    options: [{ name: "port", value: "PORT", type: "port", help: "the port, 1 to 65535", required: true }, json],
    details: [],
    examples: ["d unreserve --port 3128"]
  }
} as const satisfies Record<string, CommandSpec>
