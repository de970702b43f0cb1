import type { Results } from "../commands/Results.ts"
import type { CheckName, Severity } from "../domain/Finding.ts"
import type { HealthState } from "../domain/Health.ts"
import { ask } from "./ask.ts"
import type { Mode, Notes } from "./options.ts"
import { absolute } from "./project.ts"

type Names = string | ReadonlyArray<string>

/** A port, or text such as `"3128,3200-3210"`, or several of them. */
type Ports = number | string | ReadonlyArray<number | string>

const list = <A extends string | number>(given: A | ReadonlyArray<A> | undefined): ReadonlyArray<A> | undefined =>
  given === undefined || typeof given === "object" ? given : [given]

const path = (directory: string | undefined) => (directory === undefined ? undefined : absolute(directory))

export interface AllocateRequest extends Notes {
  /** Apps, each of which gets a pair. */
  readonly app?: Names | undefined
  /** Keys that are part of no app, each of which gets one port. */
  readonly special?: Names | undefined
  readonly description?: string | undefined
  /** The directory that the app runs in on this host. */
  readonly directory?: string | undefined
  /** Return what would be allocated, and change nothing. */
  readonly dryRun?: boolean | undefined
}

export interface ReleaseRequest extends Notes {
  readonly app?: Names | undefined
  readonly special?: Names | undefined
  /** Release ports that are up, too. */
  readonly force?: boolean | undefined
}

export interface SetOptions extends Notes {
  readonly description?: string | undefined
  readonly directory?: string | undefined
  /** Share the port even if another key has it. */
  readonly force?: boolean | undefined
}

export interface DoctorRequest extends Notes {
  /** Run only this check. */
  readonly check?: CheckName | undefined
  /** Return only findings that are at least this severe. */
  readonly severity?: Severity | undefined
  /** Fix what is safe to fix. */
  readonly fix?: boolean | undefined
}

interface HistoryRequest extends Notes {
  readonly key?: string
  readonly app?: string
  readonly port?: number
  readonly host?: string
  /** Only operations since then: a date, a time, or a time span such as `2 days`. */
  readonly since?: string
  /** At most so many, up to 1000; by default 20. */
  readonly limit?: number
  /** Only this operation, with all of its changes. */
  readonly number?: number
}

interface UndoRequest extends Notes {
  readonly number?: number
  /** Only returns what would be taken back. */
  readonly dryRun?: boolean
  /** Shares a port that another key has by now, and takes back ports that are up. */
  readonly force?: boolean
}

/**
 * The commands of the registry. Each returns the document that the command line prints with `--json`, and fails with a
 * {@link PortsError}.
 */
export const registry = {
  /** Lists the assignments by port. */
  list: ({ app, health, onNote }: Notes & { app?: string; health?: HealthState } = {}): Promise<Results["listPorts"]> =>
    ask("listPorts", { app, health }, { onNote }),

  /** Returns the port of a key, or of an app. Fails with `not-set` if it has none. */
  get: (
    named: string | { readonly app: string; readonly mode: Mode },
    { onNote }: Notes = {}
  ): Promise<Results["getPort"]> => ask("getPort", typeof named === "string" ? { key: named } : named, { onNote }),

  /** Assigns a port of your choice to a key. Fails with `conflict` if another key has it. */
  set: (key: string, port: number, { directory, onNote, ...options }: SetOptions = {}): Promise<Results["setPort"]> =>
    ask("setPort", { ...options, key, value: port, dir: path(directory) }, { onNote }),

  /** Claims a pair for each app and a port for each special, all or none. What has a port keeps it. */
  allocate: ({ app, directory, onNote, special, ...options }: AllocateRequest): Promise<Results["allocate"]> =>
    ask("allocate", { ...options, app: list(app), special: list(special), dir: path(directory) }, { onNote }),

  /** Releases both ports of each app and the port of each special. A name without a port is no error. */
  release: ({ app, force, onNote, special }: ReleaseRequest): Promise<Results["release"]> =>
    ask("release", { app: list(app), special: list(special), force }, { onNote }),

  /** Removes the assignment of one key. Fails with `not-found` if it has none. */
  remove: (key: string, { onNote }: Notes = {}): Promise<Results["deletePort"]> =>
    ask("deletePort", { key }, { onNote }),

  /** Renames a key, or an app with both of its keys. */
  rename: (name: string, to: string, { onNote }: Notes = {}): Promise<Results["rename"]> =>
    ask("rename", { name, to }, { onNote }),

  /** Describes a key, or both keys of an app; "" removes the description. */
  describe: (name: string, description: string, { onNote }: Notes = {}): Promise<Results["describe"]> =>
    ask("describe", { name, description }, { onNote }),

  /** Reserves ports, so that they are never allocated. */
  reserve: (ports: Ports, reason: string, { onNote }: Notes = {}): Promise<Results["reserve"]> =>
    ask("reserve", { port: list(ports), reason }, { onNote }),

  /** Allows reserved ports to be allocated again. */
  unreserve: (ports: Ports, { onNote }: Notes = {}): Promise<Results["unreserve"]> =>
    ask("unreserve", { port: list(ports) }, { onNote }),

  /** Lists the reserved ports; with `all`, the built-in ones outside the ranges, too. */
  reserved: ({ all, onNote }: Notes & { all?: boolean } = {}): Promise<Results["listReserved"]> =>
    ask("listReserved", { all }, { onNote }),

  /** Returns everything about a port, or about the port that a key has, or had. */
  explain: (portOrKey: number | string, { onNote }: Notes = {}): Promise<Results["explain"]> => {
    if (typeof portOrKey === "number") return ask("explain", { port: portOrKey }, { onNote })
    return ask("explain", { key: portOrKey }, { onNote })
  },

  /** Checks for unreachable, stale, taken and conflicting ports. */
  doctor: ({ onNote, ...request }: DoctorRequest = {}): Promise<Results["doctor"]> =>
    ask("doctor", { ...request }, { onNote }),

  /** Returns the operations that changed something, newest first. */
  history: ({ onNote, ...request }: HistoryRequest = {}): Promise<Results["history"]> =>
    ask("history", { ...request }, { onNote }),

  /**
   * Takes back an operation as a whole: the one of this number, or the newest one of this user on this host. Fails with
   * `conflict` if something was changed since.
   */
  undo: ({ onNote, ...request }: UndoRequest = {}): Promise<Results["undo"]> => ask("undo", { ...request }, { onNote }),

  /** Takes back the last undo. */
  redo: ({ onNote, ...request }: Omit<UndoRequest, "number"> = {}): Promise<Results["redo"]> =>
    ask("redo", { ...request }, { onNote }),

  /** Writes a copy of the registry to a file, which must not exist yet. */
  backup: (file: string, { onNote }: Notes = {}): Promise<Results["backup"]> =>
    ask("backup", { file: absolute(file) }, { onNote })
}
