import { type CommandSpec, json, type OptionSpec } from "./CommandSpec.ts"

/** The options by which `pin` and `unpin` are told what is meant. */
const named = (verb: string): ReadonlyArray<OptionSpec> => [
  { name: "key", value: "KEY", type: "key", help: `${verb} this key`, repeated: true },
  { name: "app", value: "APP", type: "app", help: `${verb} this app: APP-prod and APP-dev`, repeated: true },
  {
    name: "name",
    value: "NAME",
    type: "name",
    help: `${verb} the key or the app that has this name`,
    standsFor: ["key", "app"],
    repeated: true
  },
  json
]

/** The commands by which ports are kept, or given up because nothing uses them. */
export const keepingCommands = {
  prune: {
    name: "prune",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    summary: "Release the ports of what is no longer used, after showing it",
    usage: ["[--key KEY]… [--all]", "[--key KEY]… [--all] --yes"],
    short: { usage: "prune KEY…", options: ["key"] },
    synonyms: ["clean", "cleanup", "gc"],
    options: [
      { name: "yes", help: "release what would be listed" },
      {
        name: "key",
        value: "KEY",
        type: "key",
        help: "release only this key, and the other half of its pair",
        repeated: true
      },
      { name: "all", help: "name every key that stays although it seems to be unused, and say why" },
      json
    ],
    details: [
      "Lists the keys that are stale, or whose directory or git worktree is gone, each with its evidence, and changes nothing. On a terminal, it asks which of them to release; elsewhere, --yes releases all. It is one operation: d undo brings everything back.",
      "Keeps what is up on any host, what another host has claimed or seen up, what is pinned, and what has never been probed; and any key whose directory may only be on a disk that is not mounted, or that git still lists. The two halves of an app go together."
    ],
    examples: ["d prune", "d prune --yes", "d prune --key cad.fix-ui-dev --yes"]
  },
  pin: {
    name: "pin",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    undoable: true,
    summary: "Keep the port of a key even if it is not used",
    usage: ["[--key KEY]… [--app APP]…"],
    short: { usage: "pin NAME…", options: ["name"] },
    synonyms: ["keep", "protect"],
    options: named("pin"),
    details: [
      "A pinned key is never pruned, and d doctor does not call it stale. d release and d deletePort release it all the same, and the pin goes with it."
    ],
    examples: ["d pin cad", "d pin --key loom-server"]
  },
  unpin: {
    name: "unpin",
    kind: "registry",
    readOnly: false,
    idempotent: true,
    undoable: true,
    summary: "Allow a pinned key to be pruned again",
    usage: ["[--key KEY]… [--app APP]…"],
    short: { usage: "unpin NAME…", options: ["name"] },
    synonyms: ["unprotect"],
    options: named("unpin"),
    details: ["Keys that are not pinned are left out, with a note."],
    examples: ["d unpin cad"]
  }
} as const satisfies Record<string, CommandSpec>
