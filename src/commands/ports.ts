import { type CommandSpec, json, type OptionSpec } from "./CommandSpec.ts"

const key = (help: string): OptionSpec => ({ name: "key", value: "KEY", type: "key", help, required: true })
const apps = (help: string): OptionSpec => ({ name: "app", value: "APP", type: "app", help, repeated: true })
const specials = (help: string): OptionSpec => ({
  name: "special",
  value: "KEY",
  type: "special",
  help,
  repeated: true
})
const ports = (help: string): OptionSpec => ({
  name: "port",
  value: "PORTS",
  type: "port",
  help,
  required: true,
  repeated: true
})
const named = (help: string): OptionSpec => ({
  name: "name",
  value: "NAME",
  type: "name",
  help,
  standsFor: ["key", "app"]
})

/** The commands for assignments and reservations. */
export const portCommands = {
  allocate: {
    name: "allocate",
    kind: "registry",
    common: true,
    readOnly: false,
    idempotent: true,
    undoable: true,
    usesRanges: true,
    summary: "Claim the next free pair for an app, or the next free port for a special service",
    here: "noted",
    usage: ["[--app APP]… [--special KEY]… [--description TEXT] [--dir PATH | --no-dir] [--dry-run]"],
    needs: ["app", "special"],
    short: { usage: "allocate APP…", options: ["app"] },
    synonyms: ["new", "add", "create"],
    options: [
      { ...apps("allocate the pair APP-prod and APP-dev"), isNew: true },
      { ...specials("allocate one port for KEY, which is not part of an app"), isNew: true },
      {
        name: "description",
        value: "TEXT",
        type: "text",
        help: "describe what the ports are for; '' removes the description"
      },
      {
        name: "dir",
        value: "PATH",
        type: "directory",
        help: "set the directory that the app runs in on this host, for d doctor"
      },
      { name: "no-dir", help: "do not note the current directory as the app's" },
      { name: "dry-run", help: "show what would be allocated, and change nothing" },
      json
    ],
    details: [
      "An app gets an even port for prod and the next port for dev, from 3000; a special gets one port, from 3500. Keys that already have a port keep it, so the command is idempotent. All names in one call are allocated, or none.",
      "Skips ports that are assigned, reserved, or in use on this machine; for ports in use, a line on standard error says by what.",
      "The directory of the project that you are in becomes the app's, if the app has the project's name and no directory yet."
    ],
    examples: ["d allocate --app cad", "d allocate --special pt-proxy --description 'Proxy of the transport app'"]
  },
  getPort: {
    name: "getPort",
    kind: "registry",
    common: true,
    readOnly: true,
    idempotent: true,
    summary: "Print the port of a key, and nothing else",
    usage: ["--key KEY [--allocate | --cached]", "--app APP --mode prod|dev [--allocate | --cached]"],
    short: { usage: "get KEY", options: ["key"] },
    synonyms: ["port", "show"],
    options: [
      { name: "key", value: "KEY", type: "key", help: "look up this key" },
      { name: "app", value: "APP", type: "app", help: "look up this app, with --mode" },
      { name: "mode", value: "MODE", type: "mode", help: "choose the app's prod or dev port" },
      { name: "allocate", help: "claim a port if there is none, as d claim does" },
      { name: "cached", help: "if the registry is away, print the port that this host knew last" },
      json
    ],
    details: [
      "If no port is set, prints nothing on standard output and exits with 1.",
      "With --cached, a registry that does not answer within a few seconds is no failure if a daemon, or an earlier call with --cached, has seen the port: a note says how long ago."
    ],
    examples: ["d getPort --key cad-dev", "npm run dev -- -p $(d getPort --app cad --mode dev)"]
  },
  setPort: {
    name: "setPort",
    kind: "registry",
    common: true,
    readOnly: false,
    idempotent: true,
    undoable: true,
    usesRanges: true,
    summary: "Assign a port of your choice to a key, or describe the key",
    usage: [
      "--key KEY --value PORT [--description TEXT] [--dir PATH] [--force]",
      "--key KEY [--description TEXT] [--dir PATH]"
    ],
    short: { usage: "set KEY PORT", options: ["key", "value"] },
    synonyms: ["assign"],
    options: [
      key("set this key"),
      { name: "value", value: "PORT", type: "port", help: "assign this port, 1 to 65535", isNew: true },
      {
        name: "description",
        value: "TEXT",
        type: "text",
        help: "describe what the port is for; '' removes the description"
      },
      {
        name: "dir",
        value: "PATH",
        type: "directory",
        help: "set the directory that the app runs in on this host, for d doctor"
      },
      { name: "force", help: "share the port even if another key already has it" },
      json
    ],
    details: [
      "Refuses a port that another key has, and names that key. A port that is reserved, in use or outside its range is set, with a warning."
    ],
    examples: ["d setPort --key cad-dev --value 3001 --description 'CAD app development'"]
  },
  listPorts: {
    name: "listPorts",
    kind: "registry",
    common: true,
    readOnly: true,
    idempotent: true,
    summary: "List the assignments by port",
    here: "mine",
    usage: ["[--app APP] [--health unknown|up|down|stale] [--host HOST] [--mine] [--stale]"],
    short: { usage: "ls", options: [] },
    synonyms: ["list", "ports"],
    options: [
      { name: "app", value: "APP", type: "app", help: "list only the keys of this app" },
      { name: "health", value: "HEALTH", type: "health", help: "list only ports with this health" },
      {
        name: "host",
        value: "HOST",
        type: "host",
        help: "list only keys that this host has claimed or seen up, or has a directory of"
      },
      { name: "mine", help: "list only keys of the current project, and of its git worktrees" },
      { name: "stale", help: "list only what d prune would release because it is stale" },
      json
    ],
    details: [
      "Shows the health at this moment: a port is up if something serves it, and down if it was up and nothing does.",
      "On a terminal, the list also names the processes that listen, and the hosts that claimed the keys if they differ. In a pipe, it is complete and plain."
    ],
    examples: ["d listPorts", "d listPorts --app cad --json", "d listPorts --mine"]
  },
  deletePort: {
    name: "deletePort",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    undoable: true,
    summary: "Remove the assignment of one key",
    usage: ["--key KEY"],
    short: { usage: "rm KEY", options: ["key"] },
    synonyms: ["delete", "remove", "del", "unset"],
    options: [key("remove this key"), json],
    details: ["Exits with 1 if there is none."],
    examples: ["d deletePort --key cad-dev"]
  },
  release: {
    name: "release",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    undoable: true,
    summary: "Release all ports of an app or a special",
    usage: ["[--app APP]… [--special KEY]… [--force]"],
    needs: ["app", "special"],
    short: { usage: "release APP…", options: ["app"] },
    synonyms: ["free"],
    options: [
      apps("release both ports of APP"),
      specials("release the port of KEY"),
      { name: "force", help: "release ports that are up, too" },
      json
    ],
    details: [
      "Prints what was released. A name without a port is no error; a line on standard error says so.",
      "Refuses as a whole if anything listens on one of the ports, on this host or, by its daemon's last probes, on another one that shares the registry."
    ],
    examples: ["d release --app cad"]
  },
  rename: {
    name: "rename",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    undoable: true,
    summary: "Rename a key, or an app with both of its keys",
    usage: ["--key KEY --to NEW", "--app APP --to NEW"],
    short: { usage: "rename NAME NEW", options: ["name", "to"] },
    synonyms: ["mv", "move"],
    options: [
      { name: "key", value: "KEY", type: "key", help: "rename this key" },
      { name: "app", value: "APP", type: "app", help: "rename this app: APP-prod and APP-dev" },
      named("rename the key or the app that has this name"),
      { name: "to", value: "NEW", type: "key", help: "give it this name", required: true, isNew: true },
      json
    ],
    details: [
      "The ports, their claims, descriptions and directories move with it. Both keys of an app are renamed, or none: if one of the new keys has a port already, nothing is changed."
    ],
    examples: ["d rename --key loom-server --to loom-stream", "d rename --app cad --to cad-studio"]
  },
  describe: {
    name: "describe",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    undoable: true,
    summary: "Describe a key, or both keys of an app",
    usage: ["--key KEY --description TEXT", "--app APP --description TEXT"],
    short: { usage: "describe NAME TEXT", options: ["name", "description"] },
    synonyms: ["desc", "label", "comment"],
    options: [
      { name: "key", value: "KEY", type: "key", help: "describe this key" },
      { name: "app", value: "APP", type: "app", help: "describe this app: APP-prod and APP-dev" },
      named("describe the key or the app that has this name"),
      {
        name: "description",
        value: "TEXT",
        type: "text",
        help: "say what it is for; '' removes the description",
        required: true
      },
      json
    ],
    details: [],
    examples: ["d describe cad 'CAD app'", "d describe --key cad-dev --description ''"]
  },
  reserve: {
    name: "reserve",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    undoable: true,
    usesRanges: true,
    summary: "Reserve ports so that they are never allocated",
    usage: ["--port PORTS --reason TEXT"],
    short: { usage: "reserve PORTS… --reason TEXT", options: ["port"] },
    options: [
      { ...ports("reserve these ports: 3128, a range 3200-3210, or both with a comma between"), isNew: true },
      { name: "reason", value: "TEXT", type: "reason", help: "say why", required: true },
      json
    ],
    details: [
      "A key that has such a port keeps it. All ports in one call are reserved, or none. d listReserved shows them; AUTOMATELINUX_RESERVED_PORTS reserves ports in the configuration."
    ],
    examples: ["d reserve --port 3128 --reason 'Squid on the build host'", "d reserve 3200-3210 --reason 'Build farm'"]
  },
  unreserve: {
    name: "unreserve",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    undoable: true,
    usesRanges: true,
    summary: "Allow reserved ports to be allocated again",
    usage: ["--port PORTS"],
    short: { usage: "unreserve PORTS…", options: ["port"] },
    options: [
      { ...ports("these ports: 3128, a range 3200-3210, or both with a comma between"), isReserved: true },
      json
    ],
    details: ["Ports that are not reserved are left out, with a note; if none of them is, that is an error."],
    examples: ["d unreserve --port 3128", "d unreserve 3200-3210"]
  },
  listReserved: {
    name: "listReserved",
    kind: "registry",
    readOnly: true,
    idempotent: true,
    usesRanges: true,
    summary: "List the reserved ports with their reasons",
    usage: ["[--all]"],
    short: { usage: "reserved", options: [] },
    synonyms: ["reservations"],
    options: [{ name: "all", help: "list the built-in ones outside the managed ranges, too" }, json],
    details: [
      "Shows where each reservation comes from: built in, from the configuration, or from d reserve, then with the time and who did it."
    ],
    examples: ["d listReserved", "d listReserved --all --json"]
  }
} as const satisfies Record<string, CommandSpec>
