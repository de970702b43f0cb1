import { type CommandSpec, json } from "./CommandSpec.ts"

/** The commands for the daemon and the program itself. */
export const serviceCommands = {
  status: {
    name: "status",
    kind: "daemon",
    readOnly: true,
    idempotent: true,
    usesRanges: true,
    summary: "Show the status of the daemon, its database and the ports",
    usage: [""],
    options: [json],
    details: ["Exits with 3 if no daemon is running."],
    examples: ["d status"]
  },
  ping: {
    name: "ping",
    kind: "daemon",
    readOnly: true,
    idempotent: true,
    summary: "Check whether a daemon answers",
    usage: [""],
    options: [json],
    details: ["Prints pong. Exits with 3 if no daemon is running."],
    examples: ["d ping"]
  },
  probe: {
    name: "probe",
    kind: "daemon",
    readOnly: true,
    idempotent: true,
    summary: "Probe all ports now, instead of at the next interval",
    usage: [""],
    options: [json],
    details: ["Prints how many ports were probed. Exits with 3 if no daemon is running."],
    examples: ["d probe"]
  },
  dashboard: {
    name: "dashboard",
    kind: "daemon",
    readOnly: false,
    idempotent: true,
    summary: "Open the page that shows the ports live, or print its address",
    usage: ["[--url]"],
    synonyms: ["ui", "web", "gui"],
    options: [{ name: "url", help: "print the address, and open no browser" }, json],
    details: [
      "Turns HTTP on in the running daemon, for as long as it runs, and waits until it is served. Opens the page in the browser if standard output is a terminal, and prints its address. Exits with 3 if no daemon is running.",
      "The address contains a token by which the page may change something. Each start of the daemon makes a new one: keep it to yourself."
    ],
    examples: ["d dashboard", "d dashboard --url"]
  },
  daemon: {
    name: "daemon",
    kind: "service",
    readOnly: false,
    idempotent: false,
    summary: "Run the daemon in the foreground, or start and stop one in the background",
    usage: ["", "start", "stop", "restart", "status"],
    synonyms: ["start", "stop", "restart"],
    options: [json],
    details: [
      "Serves every client over one Unix socket and probes the ports periodically. Every command works without it; with it, commands are faster and know which ports are up, down or stale.",
      "In the foreground, it stops on SIGINT, SIGTERM, SIGHUP and SIGQUIT, and logs to standard error; AUTOMATELINUX_LOG_LEVEL sets the level.",
      "start runs it in the background, where it outlives its terminal, and returns once it answers. If it does not start, start prints why. It logs to automatelinux/daemon.log in XDG_STATE_HOME. If a daemon already answers, nothing changes. If the service of d service is installed, that starts the daemon.",
      "stop ends a daemon, however it was started, and returns once it has answered what it has taken and is gone. It refuses to end one that a service of systemd runs, and prints the command that does. restart also restarts that one.",
      "status prints the version, pid, uptime, socket and log of the daemon, and what started it. Exits with 3 if no daemon is running."
    ],
    examples: ["d daemon", "d daemon start", "d daemon restart"],
    operand: { name: "ACTION", type: "choice", choices: ["start", "stop", "restart", "status"], optional: true }
  },
  service: {
    name: "service",
    kind: "local",
    readOnly: false,
    idempotent: false,
    summary: "Run the daemon as a service, or show what is installed",
    usage: ["install [--dry-run]", "uninstall [--dry-run]", "status", "logs [--follow]"],
    synonyms: ["systemd", "launchd", "autostart"],
    options: [
      { name: "dry-run", help: "print the files that would change, and change nothing" },
      { name: "follow", help: "with logs, go on with what is logged from now on" },
      json
    ],
    details: [
      "The service is one of systemd, or of launchd on macOS. install writes its files and a script, starts the daemon, and waits until it answers. It starts again at your login, and with systemd at the first command if it has ended. As root, it installs a system service. Run again, install changes only what differs, and restarts the daemon only if a file or the version of d does.",
      "The script starts the Node and the d that run now. If either is gone, it looks for another Node that runs d, such as those of nvm, fnm, mise, asdf or Volta.",
      "uninstall stops the daemon and removes these files. The registry stays. status exits with 3 if the service does not run.",
      "The service does not see the variables of your shell: its settings belong in the configuration file."
    ],
    examples: ["d service install", "d service logs --follow"],
    operand: { name: "ACTION", type: "choice", choices: ["install", "uninstall", "status", "logs"] }
  },
  backup: {
    name: "backup",
    kind: "registry",
    readOnly: true,
    idempotent: false,
    inProcess: true,
    summary: "Copy the registry's file to a backup",
    usage: ["FILE"],
    options: [json],
    details: [
      "The copy is consistent even while other programs write, and contains every change that was acknowledged before. FILE is readable by its owner only, appears when it is complete, and is never overwritten.",
      "For a registry on a server, prints the command that dumps its tables, and exits with 2. docs/backup.md describes every way to back up and restore."
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
    details: ["Depends on AUTOMATELINUX_PORTS_SOCKET; if that is not set, on the user and XDG_RUNTIME_DIR."],
    examples: ["d getSocketPath"]
  },
  listCommands: {
    name: "listCommands",
    kind: "builtin",
    readOnly: true,
    idempotent: true,
    summary: "Print the names of the commands, one per line",
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
    summary: "Print this help, or the help of a command",
    usage: ["[COMMAND]"],
    options: [json],
    details: [],
    examples: ["d help allocate"],
    operand: { name: "COMMAND", type: "command" }
  }
} as const satisfies Record<string, CommandSpec>
