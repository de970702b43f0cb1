import { type CommandSpec, json } from "./CommandSpec.ts"

/** The command for the worktrees of a git repository. */
export const worktreeCommands = {
  worktree: {
    name: "worktree",
    kind: "local",
    readOnly: false,
    idempotent: false,
    usesRanges: true,
    here: "meant",
    summary: "List the git worktrees with their ports, or have new ones claim theirs",
    usage: [
      "list [--dir PATH]",
      "install [--dir PATH] [--dry-run]",
      "uninstall [--dir PATH] [--dry-run]",
      "setup [--dir PATH]"
    ],
    synonyms: ["worktrees", "wt"],
    options: [
      {
        name: "dir",
        value: "PATH",
        type: "directory",
        help: "use the repository of this directory instead of the current one's"
      },
      { name: "dry-run", help: "print the lines that would change, and change nothing" },
      json
    ],
    details: [
      "list shows the worktrees of this repository, with the app and the ports that belong to each.",
      "install adds some lines to the repository's post-checkout hook, by which a new worktree claims a pair. They never fail, and do nothing for any other checkout. Refuses hooks that are shared with other repositories, and those that are no shell script. uninstall takes these lines away, and nothing else.",
      "setup does what the hook does, for tools that make worktrees: it claims a pair for this worktree, prints it if it is new, and brings the blocks of d env in its environment files up to date.",
      "A linked git worktree has an app of its own even without the hook: d run and d claim claim its pair at the first use. It keeps the pair when its branch changes, and when it is moved."
    ],
    examples: ["d worktree list", "d worktree install --dry-run", "d worktree setup"],
    operand: { name: "ACTION", type: "choice", choices: ["list", "install", "uninstall", "setup"] }
  }
} as const satisfies Record<string, CommandSpec>
