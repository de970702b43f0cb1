/** The texts for agents. Short, because each word costs them something. */

/** The name of the skill, and of its directory. */
export const SKILL_NAME = "automatelinux-ports"

/** By this line a file is known to be ours. */
export const SKILL_MARK = "<!-- Written by d agents install, which replaces it. -->"

export const SKILL = `---
name: ${SKILL_NAME}
description: Gets TCP ports from the registry of this machine, and finds out whose server answers. Use it before you start a dev server or any program that listens, after EADDRINUSE or "port already in use", and before you test or open a local URL.
---
${SKILL_MARK}

Every directory, and so every git worktree, has a port of its own.

- Start a server: \`d run npm run dev\`. It sets PORT, passes the tool's own port option, and ends all of its processes. \`d run --wait\` starts it in the background and prints its URL.
- Only the number: \`d claim\`. The URL: \`d url\`.
- Before you test against a server: \`d check\`. Exit code 0: it is this directory's own; 1: nothing listens; 4: it is another's.
- After EADDRINUSE: \`d explain PORT\` says who has the port, and what listens on it.

Never:

- choose a port, or write one into code or configuration;
- change the code to another port because one is in use;
- end a process that does not work in your own directory.

\`d\` is also called \`automatelinux-ports\`. \`d COMMAND --help\` explains a command; \`d help --json\` has all of them as data.
`

export const PARAGRAPH_BEGIN = "<!-- BEGIN automatelinux-ports: written by d agents install -->"
export const PARAGRAPH_END = "<!-- END automatelinux-ports -->"

export const PARAGRAPH = [
  PARAGRAPH_BEGIN,
  "TCP ports come from `d`, the registry of this machine. Start servers with `d run COMMAND`, or on the port that `d claim`",
  "prints; never choose a port. After EADDRINUSE, run `d explain PORT`. Before you test against a server, run `d check`. Never",
  "end a process of another directory, and never change the code to another port.",
  PARAGRAPH_END
]
