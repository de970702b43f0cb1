import type { Doubt, Prunable, PruneReason, Stay } from "../domain/Prune.ts"
import { describeListener, nameOf } from "./describe.ts"
import { asTyped } from "./escape.ts"
import { shellWord } from "./shell.ts"

/** Why a port may go, and why one stays. */

const reasonText = (reason: PruneReason, { directory, repository, staleSince }: Prunable): string => {
  const place = asTyped(directory ?? "")
  switch (reason) {
    case "stale":
      return `stale since ${staleSince}`
    case "directory-gone":
      return `its directory ${place} is gone`
    case "worktree-gone":
      return `its worktree ${place} is gone, and git in ${asTyped(repository ?? "")} does not list it`
  }
}

/** Says what speaks for it that nobody uses a port any more. */
export const evidenceOf = (prunable: Prunable): string => {
  const { directory, lastUp, reasons } = prunable
  // What was released before, and is only told again, has no reasons.
  if (reasons.length === 0) return ""
  const isThere = directory !== null && !reasons.some((reason) => reason !== "stale")
  return [
    ...reasons.map((reason) => reasonText(reason, prunable)),
    lastUp === null ? "never seen up" : `last up ${lastUp}`,
    ...(isThere ? [`its directory ${asTyped(directory)} is there`] : [])
  ].join("; ")
}

const doubtText = (directory: string, doubt: Doubt): string => {
  const place = asTyped(directory)
  switch (doubt.why) {
    case "unreadable":
      return `its directory ${place} cannot be looked at (${doubt.code})`
    case "slow":
      return `the file system of its directory ${place} does not answer`
    case "no-directory":
      return `${place} is not a directory by now`
    case "link":
      return `its directory ${place} is missing, because the link ${asTyped(doubt.at)} leads nowhere: a disk may not be mounted`
    case "unmounted":
      return `its directory ${place} is missing, but no disk is mounted for it in ${asTyped(doubt.at)}`
    case "empty":
      return `its directory ${place} is missing, but ${asTyped(doubt.at)} is empty: a disk may not be mounted there`
    case "no-parent":
      return `its directory ${place} is missing with the one above it: a disk may not be mounted in ${asTyped(doubt.at)}`
    case "listed":
      return `git still lists its missing worktree ${place}; if it is gone for good: git -C ${shellWord(doubt.repository)} worktree prune`
    case "git":
      return `its directory ${place} is missing, but the worktrees of ${asTyped(doubt.repository)} cannot be read: ${doubt.problem}`
    case "moved":
      return `its directory ${place} is missing, but its worktree seems to be ${asTyped(doubt.to)} by now`
  }
}

/** Says why a port stays that seems to be unused. */
export const stayText = (stay: Stay): string => {
  switch (stay.why) {
    case "pinned":
      return "it is pinned"
    case "up":
      return stay.by === null ? "it is up" : `it is up: ${describeListener(stay.by)}`
    case "unclear":
      return "it cannot be found out whether something answers on its port"
    case "unknown":
      return "its health is unknown: no daemon has probed it on this machine"
    case "up-elsewhere":
      return `it is up on ${stay.host}`
    case "claimed-elsewhere":
      return `it was claimed on ${stay.host}`
    case "seen-elsewhere":
      return `${stay.host} saw it up, last at ${stay.at}`
    case "owned-elsewhere":
      return `it belongs to ${stay.owner} on ${stay.host}`
    case "doubt":
      return doubtText(stay.directory, stay.doubt)
    case "new":
      return `it got its directory only at ${stay.since}, which may be yet to be made`
    case "half":
      return `its other half ${nameOf(stay.other)} stays`
    case "used":
      return "it is neither stale, nor is its directory gone"
    case "no-port":
      return "it has no port"
  }
}
