import { type CommandSpec, json } from "./CommandSpec.ts"

/** The commands on the service and the program itself. */
export const serviceCommands = {
  status: {
    name: "status",
    kind: "daemon",
    readOnly: true,
    idempotent: true,
    usesRanges: true,
    summary: "Tell how the daemon, its database and the ports are",
    usage: [""],
    options: [json],
    details: ["The exit code is 3 where no daemon runs."],
    examples: ["d status"]
  },
  ping: {
    name: "ping",
    kind: "daemon",
    readOnly: true,
    idempotent: true,
    summary: "Ask whether a daemon answers",
    usage: [""],
    options: [json],
    details: ["Prints pong. The exit code is 3 where no daemon runs."],
    examples: ["d ping"]
  },
  daemon: {
    name: "daemon",
    kind: "service",
    readOnly: false,
    idempotent: false,
    summary: "Run the service in the foreground",
    usage: [""],
    options: [],
    details: [
      "Serves every client over one Unix socket and looks at the ports from time to time. Every command works without it; with it they are quicker, and know which ports are up, down or stale.",
      "Stops on SIGINT, SIGTERM, SIGHUP and SIGQUIT. Logs go to standard error; AUTOMATELINUX_LOG_LEVEL says how much."
    ],
    examples: ["d daemon"]
  },
  backup: {
    name: "backup",
    kind: "registry",
    readOnly: true,
    idempotent: false,
    inProcess: true,
    summary: "Copy the registry's file, as it is at this moment",
    usage: ["FILE"],
    options: [json],
    details: [
      "The copy is whole whatever else writes meanwhile, and holds every change that was answered before. FILE is its owner's alone, appears when it is complete, and is never overwritten.",
      "For a registry on a server, prints the command that dumps its tables, with exit code 2. docs/backup.md has every way to back up and to restore."
    ],
    examples: ["d backup ~/ports-$(date +%F).sqlite"],
    operand: { name: "FILE", type: "file" }
  },
  getSocketPath: {
    name: "getSocketPath",
    kind: "builtin",
    readOnly: true,
    idempotent: true,
    summary: "Print the path of the daemon's socket",
    usage: [""],
    options: [json],
    details: ["Only the environment decides it: AUTOMATE_LINUX_SOCKET_PATH, or XDG_RUNTIME_DIR."],
    examples: ["d getSocketPath"]
  },
  listCommands: {
    name: "listCommands",
    kind: "builtin",
    readOnly: true,
    idempotent: true,
    summary: "Print the names of the commands, one a line",
    usage: [""],
    options: [json],
    details: [],
    examples: ["d listCommands"]
  },
  version: {
    name: "version",
    kind: "builtin",
    readOnly: true,
    idempotent: true,
    summary: "Print the version",
    usage: [""],
    options: [json],
    details: [],
    examples: ["d version"]
  },
  help: {
    name: "help",
    kind: "builtin",
    readOnly: true,
    idempotent: true,
    summary: "Print this help, or that of a command",
    usage: ["[COMMAND]"],
    options: [],
    details: [],
    examples: ["d help allocate"],
    operand: { name: "COMMAND", type: "command" }
  }
} as const satisfies Record<string, CommandSpec>
