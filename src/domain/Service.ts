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
  /** The daemon that answers; null unless the service was installed. */
  readonly pid: number | null
}

/** The state of the service, by its manager. */
export interface ServiceState {
  /** Whether it starts on its own, at the login or with the machine. */
  readonly enabled: boolean
  /** Its state, in the words of the manager. */
  readonly state: string
  readonly pid: number | null
}

/** The result of `d service status`. */
export interface ServiceStatus extends ServiceState {
  readonly scope: ServiceScope
  /** The name of the service in its manager. */
  readonly name: string
  readonly installed: boolean
  readonly socket: string
  /** Null if nothing is installed. */
  readonly program: ServiceProgram | null
}

/** The Node and the d that installed a service, which starts them. */
export interface ServiceProgram {
  readonly node: string
  readonly script: string
  /** Those of them that no longer exist. */
  readonly gone: ReadonlyArray<string>
}
