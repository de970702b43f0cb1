/** What can be told of a process that listens. */
export interface Process {
  readonly pid: number
  readonly command: string | null
  /** Where it works. */
  readonly directory: string | null
  /** That is somebody's home, and so says nothing of what it works on. */
  readonly atHome: boolean
  /** The absolute paths among its words. */
  readonly paths: ReadonlyArray<string>
  /** The service that it belongs to, by the service manager's name. */
  readonly unit: string | null
  /** The container that it runs in, or where a container engine's proxy passes connections on to: address and port. */
  readonly container: string | null
  /** It is the proxy of a container engine, which listens for what runs in a container. */
  readonly proxy: boolean
  /** ISO 8601. */
  readonly startedAt: string | null
  /** It is a service manager, which holds sockets for others. */
  readonly manager: boolean
  /** It was stopped, by SIGSTOP or from its terminal. */
  readonly stopped: boolean
}

/** A TCP socket in LISTEN on this host, with the process that owns it where that can be known. */
export interface Listener {
  readonly port: number
  readonly address: string
  /** The owner's login name, or `uid N` where it has none. */
  readonly user: string
  /** Null where this user may not see it. */
  readonly process: Process | null
  /** Connections that wait to be accepted. */
  readonly queue: number
}
