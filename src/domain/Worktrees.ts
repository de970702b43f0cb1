import type { FileChange } from "./FileChange.ts"
import type { HealthState } from "./Health.ts"

/** One half of the pair of a worktree's app. */
export interface WorktreePort {
  readonly key: string
  readonly port: number
  readonly health: HealthState
}

/** An app that belongs to a worktree, or to a directory in it. */
export interface WorktreeApp {
  readonly app: string
  readonly directory: string
  readonly prod: WorktreePort | null
  readonly dev: WorktreePort | null
}

/** A worktree of a repository, as git lists it. */
export interface WorktreeEntry {
  readonly directory: string
  /** Whether it is the repository itself, and not linked to it. */
  readonly main: boolean
  readonly bare: boolean
  /** Null if its HEAD is detached. */
  readonly branch: string | null
  readonly head: string | null
  readonly locked: boolean
  /** Whether its directory is not there: it was deleted, or its disk is not mounted. */
  readonly missing: boolean
  readonly apps: ReadonlyArray<WorktreeApp>
}

/** What becomes of a hook's file, or became of it. */
export interface HookChange {
  readonly file: string
  readonly change: Exclude<FileChange, "kept">
  /** The lines that go, and the ones that come in their place. */
  readonly removed: ReadonlyArray<string>
  readonly added: ReadonlyArray<string>
}

/** The document of `d worktree install` and `d worktree uninstall`. */
export interface HookResult {
  readonly dryRun: boolean
  readonly files: ReadonlyArray<HookChange>
}

/** The document of `d worktree setup`. */
export interface WorktreeSetup {
  readonly app: string
  readonly directory: string
  /** Whether the pair was claimed just now. */
  readonly created: boolean
  readonly prod: number
  readonly dev: number
  /** The environment files whose block of `d env` was brought up to date. */
  readonly written: ReadonlyArray<string>
}
