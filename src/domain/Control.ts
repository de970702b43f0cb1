/** The result of `d daemon start` and `restart`: the daemon that answers. */
export interface StartResult {
  readonly socket: string
  readonly pid: number
  readonly version: string
  /** Whether it was started now, and did not run before. */
  readonly started: boolean
}

/** The result of `d daemon stop`. */
export interface StopResult {
  readonly socket: string
  /** The daemon that has ended; null if none was running. */
  readonly pid: number | null
}

/** The result of `d daemon status`. */
export interface DaemonReport {
  readonly version: string
  readonly pid: number
  readonly uptimeSeconds: number
  readonly socket: string
  /** The file that it logs to; null if it logs elsewhere, or that cannot be known. */
  readonly log: string | null
  /** `start`: by `d daemon start`; null if it was started in another way, or that cannot be known. */
  readonly startedBy: "service" | "start" | null
  /** The name of the service that started it; null if none did. */
  readonly service: string | null
}
