/** Whose service it is: a user's own, or root's. */
export type ServiceScope = "user" | "system"

/** A file of the service, and what became of it. */
export interface ServiceFile {
  readonly file: string
  readonly change: "made" | "changed" | "removed" | "none"
  /** What it contains from now on; null if it is removed. */
  readonly text: string | null
}

/** What `d service install` and `uninstall` did, or would do. */
export interface ServiceResult {
  readonly scope: ServiceScope
  readonly dryRun: boolean
  readonly files: ReadonlyArray<ServiceFile>
  /** The daemon that answers, if one is installed. */
  readonly pid: number | null
}

/** What `d service status` says. */
export interface ServiceStatus {
  readonly scope: ServiceScope
  readonly installed: boolean
  /** Whether it starts by itself: at the login, or when the machine starts. */
  readonly enabled: boolean
  /** The state of the unit, as systemd calls it. */
  readonly state: string
  readonly pid: number | null
  readonly socket: string
  /** The Node and the d that were installed; null if nothing is. */
  readonly program: { readonly node: string; readonly script: string; readonly isThere: boolean } | null
}
