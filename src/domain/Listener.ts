/** A TCP socket in LISTEN on this host, with the process that owns it where that can be known. */
export interface Listener {
  readonly port: number
  readonly address: string
  /** The owner's login name, or `uid N` where it has none. */
  readonly user: string
  readonly pid: number | null
  readonly command: string | null
  readonly directory: string | null
  /** Where a container engine's proxy passes connections on to: address and port inside. */
  readonly container: string | null
  /** Connections that wait to be accepted. */
  readonly queue: number
}
