import { basename, dirname, join } from "node:path"
import type { Results } from "../commands/Results.ts"
import { imageName } from "../domain/Container.ts"
import type { Explanation } from "../domain/Explanation.ts"
import type { PortCheck } from "../domain/PortCheck.ts"
import { type Worktree, worktreeOf } from "../machine/gitWorktree.ts"

/** Tells an agent what to do next: in words that leave no doubt about whose a server is. */

type Seen = Pick<
  PortCheck["listeners"][number] | Explanation["listeners"][number],
  "pid" | "command" | "directory" | "container" | "containerDetails" | "user"
>

const KEEP = "do not end that process"

/** Returns the git directory that the worktrees of a repository share. */
const repositoryOf = ({ linkedBy, root }: Worktree): string =>
  linkedBy === null ? join(root, ".git") : dirname(dirname(linkedBy))

/** Names the place where a listener works, as seen from the directory `own`. */
const placeOf = ({ directory }: Seen, own: string | undefined): string | undefined => {
  if (directory === null) return undefined
  const theirs = worktreeOf(directory)
  const ours = own === undefined ? undefined : worktreeOf(own)
  if (theirs === undefined || ours === undefined || repositoryOf(theirs) !== repositoryOf(ours)) return directory
  return theirs.root === ours.root
    ? directory
    : `${directory}, the worktree ${basename(theirs.root)} of this repository`
}

/** `node, pid 4711, in /dev/cad-fix, the worktree cad-fix of this repository`. */
const serverOf = (seen: Seen, own: string | undefined): string => {
  const { command, container, containerDetails, pid, user } = seen
  const image = containerDetails ? imageName(containerDetails) : undefined
  const place = placeOf(seen, own)
  if (pid === null && container === null) return `a process of the user ${user}`
  return [
    ...(pid === null || containerDetails ? [] : [`${command ?? "a process"}, pid ${pid}`]),
    ...(container === null ? [] : [`the container ${container}`]),
    ...(image === undefined ? [] : [`image ${image}`]),
    ...(place === undefined ? [] : [`in ${place}`])
  ].join(", ")
}

/** Returns what to do about a port of one's own, by who serves it. */
export const adviceOnCheck = ({ directory, listeners, port, verdict }: PortCheck): string => {
  const by = (own: boolean | null) =>
    listeners
      .filter((each) => each.own === own)
      .map((each) => serverOf(each, directory))
      .join("; and by ")
  switch (verdict) {
    case "nothing":
      return `nothing listens on ${port}: start the server in ${directory} with d run COMMAND, which gives it PORT=${port}`
    case "own":
      return `${port} is served by this directory's own server (${by(true)}): use it, and start no second one`
    case "other":
      return `${port} is served by ${by(false)}, and not from ${directory}: ${KEEP}, do not test against it, and tell the user`
    case "unknown":
      return `something answers on ${port}, and it cannot be told whether it is the server of ${directory}: ${KEEP}, and tell the user`
  }
}

/** Returns what to do about any port, seen from the directory `own`, whose app has the port `yours`. */
export const adviceOnPort = (
  { listeners, port }: Explanation,
  own: string | undefined,
  yours: Results["url"] | undefined
): string => {
  const mine =
    own === undefined
      ? "call allocate with cwd for a port of your own"
      : yours === undefined
        ? `${own} has no port yet: call allocate with cwd`
        : `yours is ${yours.port} (${yours.key})`
  if (port === null) return mine
  if (listeners.length === 0)
    return yours?.port === port ? `nothing listens on ${port}, and it is yours` : `nothing listens on ${port}; ${mine}`
  const servers = [...new Set(listeners.map((each) => serverOf(each, own)))].join("; and by ")
  return yours?.port === port
    ? `${port} is yours, and is served by ${servers}: call check to find out whether that is your own server`
    : `${port} is served by ${servers}; ${mine}; ${KEEP}`
}
