import type { NamedPort } from "../domain/Proxy.ts"

/** The facts that the configuration of a proxy depends on. */
export interface Setup {
  readonly ports: ReadonlyArray<NamedPort>
  /** The domain of the names. */
  readonly domain: string
  /** The port that the proxy listens on. */
  readonly port: number
  /** Whether this machine has the address ::1. */
  readonly hasIpv6: boolean
}

/** A program whose configuration `d` writes. */
export interface Target {
  readonly title: string
  /** The usual file: its name among the files of `d`, or its path. */
  readonly file: string
  /** Whether the file belongs to others, too, and only a block of it is ours. */
  readonly isShared: boolean
  /** Whether `--port` chooses the port that it listens on. */
  readonly takesPort: boolean
  /** Returns the lines of the configuration. */
  readonly lines: (setup: Setup) => ReadonlyArray<string>
  /** Returns the URL of a name. */
  readonly url: (name: string, app: number, proxy: number) => string
  /** Says how to have it read the file; `path` is quoted for its configuration. */
  readonly include: ((path: string) => string) | undefined
  /** The command after which it has read a changed file; undefined if it finds out on its own. */
  readonly reload: string | undefined
}

/** The URL of a name behind a proxy. */
export const behindProxy = (name: string, _: number, proxy: number): string =>
  `http://${name}${proxy === 80 ? "" : `:${proxy}`}`

/** The answer to a name that no app has. */
export const NO_APP = "no app has this name"
