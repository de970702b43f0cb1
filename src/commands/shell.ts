import { type CommandSpec, json } from "./CommandSpec.ts"

/** The shells that `d` works in without a process, or completes words in. */
export const SHELLS = ["bash", "zsh", "fish"] as const

export type Shell = (typeof SHELLS)[number]

/** The commands for the shell that `d` is typed into. */
export const shellCommands = {
  shell: {
    name: "shell",
    kind: "local",
    readOnly: true,
    idempotent: true,
    summary: "Print the functions d and dport for a shell, which ask a running daemon without starting a program",
    usage: ["bash|zsh|fish"],
    synonyms: ["hook", "init", "dport"],
    options: [],
    details: [
      "dport KEY sets REPLY to the port of KEY and prints nothing; without a key, it prints the port of this directory's app, as d url does. d get KEY and d getPort --key KEY print the port. Everything else of d is the program, as before.",
      "zsh asks the daemon's socket, bash asks by HTTP if the daemon serves it (AUTOMATELINUX_HTTP=on). If no daemon answers, or if anything looks wrong, the program is asked. Nothing is cached. fish has no sockets: there, dport asks the program.",
      "Takes the word d back from an alias or a function, such as the one oh-my-zsh defines: put the line at the end of your ~/.bashrc or ~/.zshrc, after what defines it. Defines d, dport, names that begin with __dport, and nothing else."
    ],
    examples: ['eval "$(command d shell bash)"', "command d shell fish | source"],
    operand: { name: "SHELL", type: "choice", choices: SHELLS }
  },
  completions: {
    name: "completions",
    kind: "local",
    readOnly: false,
    idempotent: true,
    summary: "Install the completions for your shells, or print them",
    usage: [
      "install [--shell SHELL]… [--dry-run]",
      "uninstall [--shell SHELL]… [--dry-run]",
      "status [--shell SHELL]…",
      "bash|zsh|fish"
    ],
    synonyms: ["completion"],
    options: [
      {
        name: "shell",
        value: "SHELL",
        type: "shell",
        help: "choose a shell: bash, zsh or fish; default: those that are installed",
        repeated: true
      },
      { name: "dry-run", help: "show what would be written or removed, and change nothing" },
      json
    ],
    details: [
      "Completes commands, options and their values; keys, apps, ports and hosts are those that the running daemon has now, in zsh and fish with port, description and health. Files are offered only where a file belongs. Without a daemon there are no keys, and Tab waits at most 200 ms for one.",
      "install writes one file for each shell, where its package looks for completions of a user, and says what else is needed. uninstall removes it. A file of the same name that d did not write is left alone. With the name of a shell, prints the file."
    ],
    examples: ["d completions install", "d completions install --shell zsh --dry-run", "source <(d completions bash)"],
    operand: { name: "ACTION", type: "choice", choices: ["install", "uninstall", "status", ...SHELLS] }
  }
} as const satisfies Record<string, CommandSpec>
