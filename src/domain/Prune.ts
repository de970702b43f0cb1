import type { Listener } from "./Listener.ts"

/** Why a missing directory may be there all the same, on a disk that is not mounted, or under another name. */
export type Doubt =
  /** The system does not let this program look, or failed; `code` is its error. */
  | { readonly why: "unreadable"; readonly code: string }
  /** The system does not answer. */
  | { readonly why: "slow" }
  /** Something else has its name. */
  | { readonly why: "no-directory" }
  /** `at`, on its way, is a link to something that is missing. */
  | { readonly why: "link"; readonly at: string }
  /** Disks are mounted below `at`, and none is now. */
  | { readonly why: "unmounted"; readonly at: string }
  /** The directory that it was in is empty. */
  | { readonly why: "empty"; readonly at: string }
  /** The directory that it was in is missing as well; `at` is the nearest one that is there. */
  | { readonly why: "no-parent"; readonly at: string }
  /** Git lists it as a worktree of a repository. */
  | { readonly why: "listed"; readonly repository: string }
  /** The worktrees of the repository cannot be read. */
  | { readonly why: "git"; readonly repository: string; readonly problem: string }
  /** Git lists a worktree that it has probably become. */
  | { readonly why: "moved"; readonly to: string }

/** What is known of a directory that a key belongs to. */
export type Presence =
  | { readonly _tag: "There" }
  /** `repository` is the one that it was a worktree of, and that no longer lists it. */
  | { readonly _tag: "Gone"; readonly repository: string | null }
  | { readonly _tag: "Doubtful"; readonly doubt: Doubt }

export const PRUNE_REASONS = ["stale", "directory-gone", "worktree-gone"] as const

/** Why a port may go. */
export type PruneReason = (typeof PRUNE_REASONS)[number]

/** A key whose port may go, with the evidence. Times are ISO 8601. */
export interface Prunable {
  readonly key: string
  readonly port: number
  readonly reasons: ReadonlyArray<PruneReason>
  /** When its port became stale; null if it is not. */
  readonly staleSince: string | null
  /** When it was last up on this host; null if never. */
  readonly lastUp: string | null
  /** The directory that it belongs to, or that its app does. */
  readonly directory: string | null
  /** The repository that no longer lists its worktree. */
  readonly repository: string | null
}

/** Why the port of a key stays, although it seems to be unused. */
export type Stay =
  | { readonly why: "pinned" }
  | { readonly why: "up"; readonly by: Listener | null }
  /** Whether something answers on its port cannot be found out. */
  | { readonly why: "unclear" }
  | { readonly why: "unknown" }
  | { readonly why: "up-elsewhere"; readonly host: string }
  | { readonly why: "claimed-elsewhere"; readonly host: string }
  /** `at` is when the other host last saw it up. */
  | { readonly why: "seen-elsewhere"; readonly host: string; readonly at: string }
  | { readonly why: "owned-elsewhere"; readonly host: string; readonly owner: string }
  | { readonly why: "doubt"; readonly directory: string; readonly doubt: Doubt }
  /** Its directory, which it got at this time, may still be made. */
  | { readonly why: "new"; readonly since: string }
  /** The other half of its pair stays. */
  | { readonly why: "half"; readonly other: string }
  /** It was asked for, and is in use as far as is known. */
  | { readonly why: "used" }
  /** It was asked for, and has no port. */
  | { readonly why: "no-port" }

export const STAY_REASONS = [
  "pinned",
  "up",
  "unclear",
  "unknown",
  "up-elsewhere",
  "claimed-elsewhere",
  "seen-elsewhere",
  "owned-elsewhere",
  "doubt",
  "new",
  "half",
  "used",
  "no-port"
] as const satisfies ReadonlyArray<Stay["why"]>

export interface Staying {
  readonly key: string
  readonly port: number | null
  readonly stay: Stay
}

/** What a host knows of a key: that it was up there, or what it belongs to there. */
export interface Sighted {
  readonly host: string
  readonly key: string
  readonly lastUp: string | null
  readonly owner: string | null
}
