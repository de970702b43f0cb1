import type { CommandSpec } from "./CommandSpec.ts"

/** The command that shows the list live. */
export const watchCommands = {
  watch: {
    name: "watch",
    kind: "local",
    readOnly: true,
    idempotent: true,
    summary: "Show the list of ports live, and what changes",
    usage: [
      "[--app APP] [--health unknown|up|down|stale] [--interval TIME]",
      "--once [--app APP] [--health unknown|up|down|stale]",
      "--json [--app APP] [--interval TIME]"
    ],
    synonyms: ["top", "live", "tui"],
    options: [
      { name: "app", value: "APP", type: "app", help: "show only the keys of this app" },
      { name: "health", value: "HEALTH", type: "health", help: "show only ports with this health" },
      { name: "interval", value: "TIME", type: "time", help: "look this often, for example 500ms; default 1s" },
      { name: "once", help: "print the list once, and exit" },
      { name: "json", help: "print the list and then each change as one JSON document per line; with --once, the list" }
    ],
    details: [
      "In the list, / filters, s sorts, o opens the URL of a port, e explains it, k ends the process that listens after asking, ? shows all keys, and q quits.",
      "Asks the daemon, or reads the registry itself if none answers. No port is probed more often for it."
    ],
    examples: ["d watch", "d watch --app cad", "d watch --json"]
  }
} as const satisfies Record<string, CommandSpec>
