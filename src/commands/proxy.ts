import { PROXIES } from "../domain/Proxy.ts"
import { type CommandSpec, json } from "./CommandSpec.ts"

/** The command for the configuration of reverse proxies. */
export const proxyCommands = {
  proxy: {
    name: "proxy",
    kind: "local",
    readOnly: false,
    idempotent: false,
    summary: "Give each app a name, such as cad.localhost, in a reverse proxy",
    usage: [
      `render --for ${PROXIES.join("|")} [--domain DOMAIN] [--port PORT]`,
      `diff --for ${PROXIES.join("|")} [--domain DOMAIN] [--port PORT] [--file FILE|--live]`,
      `apply --for ${PROXIES.join("|")} [--domain DOMAIN] [--port PORT] [--file FILE|--live] [--force] [--dry-run]`
    ],
    synonyms: ["caddy", "nginx", "traefik", "haproxy", "hosts", "names", "proxies"],
    options: [
      {
        name: "for",
        value: "PROXY",
        type: "proxy",
        help: "choose the proxy, or hosts for the file of host names",
        required: true
      },
      { name: "domain", value: "DOMAIN", type: "domain", help: "put the names into this domain; default localhost" },
      {
        name: "port",
        value: "PORT",
        type: "port",
        help: "have the proxy listen on this port; default 80",
        isNew: true
      },
      { name: "file", value: "FILE", type: "file", help: "use this file instead of the usual one" },
      { name: "live", help: "change the running Caddy by its admin API, and no file" },
      { name: "force", help: "with apply, replace a file that was edited since d wrote it" },
      { name: "dry-run", help: "with apply, say what would change, and change nothing" },
      json
    ],
    details: [
      "cad-dev is cad.localhost, cad-prod is cad-prod.localhost, and a special has its own name; browsers know that localhost means this machine. The worktree app cad.fix-ui is cad-fix-ui.localhost. Keys that are used on other hosts only are left out.",
      "render prints the configuration. diff shows how the file differs from it, and exits with 1 if it does. apply writes the file, and says how to include it and how to reload the proxy; if nothing differs, it is not touched.",
      "The files are in ~/.config/automatelinux/proxy. For hosts, it is /etc/hosts, of which only a marked block is changed. What d did not write is never replaced; what was edited since d wrote it, only with --force.",
      "--live asks the Caddy at CADDY_ADMIN, by default localhost:2019, and changes one route of its own. docs/proxy.md has the lines to type for each proxy."
    ],
    examples: [
      "d proxy render --for nginx",
      "d proxy apply --for caddy --live",
      "d proxy diff --for hosts | sudo patch /etc/hosts"
    ],
    operand: { name: "ACTION", type: "choice", choices: ["render", "diff", "apply"] }
  }
} as const satisfies Record<string, CommandSpec>
