import type { FileChange } from "./FileChange.ts"

/** The owner of a service: a user, or root. */
export type ServiceScope = "user" | "system"

/** A file of the service, and what became of it. */
export interface ServiceFile {
  readonly file: string
  readonly change: Exclude<FileChange, "kept">
  /** Its new content; null if it is removed. */
  readonly text: string | null
}

/** The result of `d service install` and `uninstall`. */
export interface ServiceResult {
  readonly scope: ServiceScope
  readonly dryRun: boolean
  readonly files: ReadonlyArray<ServiceFile>
  /** The daemon that answers, if one is installed. */
  readonly pid: number | null
}

/** The result of `d service status`. */
export interface ServiceStatus {
  readonly scope: ServiceScope
  readonly installed: boolean
  /** Whether it starts on its own, at the login or with the machine. */
  readonly enabled: boolean
  /** The state of the unit, as systemd calls it. */
  readonly state: string
  readonly pid: number | null
  readonly socket: string
  /** The Node and the d that were installed; null if nothing is. */
  readonly program: { readonly node: string; readonly script: string; readonly isThere: boolean } | null
}
