import type { Container } from "./Container.ts"

/** A program that runs containers, by the name of its command line. */
export type Engine = "crictl" | "docker" | "podman"

/** A process that listens, as far as this user may inspect it. */
export interface Process {
  readonly pid: number
  readonly command: string | null
  /** Its working directory. */
  readonly directory: string | null
  /** The directory is a user's home, which does not identify an app. */
  readonly atHome: boolean
  /** The absolute paths on its command line. */
  readonly paths: ReadonlyArray<string>
  /** The service it belongs to, by its name in the service manager. */
  readonly unit: string | null
  /** The unit is one of a user's service manager, not of the system's. */
  readonly userUnit: boolean
  /** The container it runs in. For a container engine's proxy, the address and port that it forwards to. */
  readonly container: string | null
  /** The program that manages the container, or that this process is a part of. */
  readonly engine: Engine | null
  /** It is a container engine's proxy, which listens on behalf of a container. */
  readonly proxy: boolean
  /** ISO 8601. */
  readonly startedAt: string | null
  /** It is a service manager, which holds sockets for its services. */
  readonly manager: boolean
  /** It was stopped, by SIGSTOP or from its terminal. */
  readonly stopped: boolean
}

/** A listening TCP socket on this host, with the process that owns it if that is visible. */
export interface Listener {
  readonly port: number
  readonly address: string
  /** The owner's login name, or `uid N` if there is none. */
  readonly user: string
  /** Null if this user may not inspect it. */
  readonly process: Process | null
  /** The container that it is in, or that publishes the port. Null if there is none, or no engine was asked or told it. */
  readonly container: Container | null
  /** Connections waiting to be accepted. */
  readonly queue: number
}

/** A listener's process as documents have it: null for what this user may not know. */
export interface ListenerProcess {
  readonly user: string
  readonly pid: number | null
  readonly command: string | null
  /** Its working directory, or that of its compose project. */
  readonly directory: string | null
  readonly unit: string | null
  /** The container by its name, or as far as its process shows it. */
  readonly container: string | null
  /** The container, if its engine tells it. An older daemon says nothing of it. */
  readonly containerDetails?: Container | null | undefined
}

export const processOfListener = ({
  container,
  process,
  user
}: Pick<Listener, "container" | "process" | "user">): ListenerProcess => ({
  user,
  pid: process?.pid ?? null,
  command: process?.command ?? null,
  directory: container === null ? (process?.directory ?? null) : container.directory,
  unit: process?.unit ?? null,
  container: container === null ? (process?.container ?? null) : (container.name ?? container.id),
  containerDetails: container
})
