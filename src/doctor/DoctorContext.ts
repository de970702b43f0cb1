import type * as Effect from "effect/Effect"
import type { Status } from "../commands/Results.ts"
import type { PortsConfig } from "../config/Config.ts"
import type { Environment } from "../domain/Environment.ts"
import type { NoListenerTable, RegistryError } from "../domain/errors.ts"
import type { Finding } from "../domain/Finding.ts"
import type { Listener } from "../domain/Listener.ts"
import type { PortHealth, Rival } from "../domain/portHealth.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import type { SchemaStatus } from "../domain/SchemaStatus.ts"
import type { Listeners } from "../machine/Listeners.ts"
import type { Store } from "../store/Store.ts"
import type { DaemonProbe } from "./probeDaemon.ts"

/** The registry as it is stored, with the health on this host. */
export interface View extends Omit<RegistryState, "reserved"> {
  /** Port → why it is never allocated, by configuration or at run time. */
  readonly reserved: ReadonlyMap<number, string>
  /** The ports that were reserved with `d reserve`. */
  readonly reservedAtRunTime: ReadonlySet<number>
  /** Port → its keys, lowest name first. */
  readonly keysOf: ReadonlyMap<number, ReadonlyArray<string>>
  /** The health of a key's port on this host, as far as it still holds. */
  readonly healthOf: (key: string) => PortHealth | undefined
  /** When this host was last probed; ISO 8601, null if never. */
  readonly probedAt: string | null
}

/** Everything that the checks examine. Each part is read once, when the first check needs it. */
export interface DoctorContext {
  readonly settings: typeof PortsConfig.Service
  /** The client's version: if the daemon has another one, that is a finding. */
  readonly version: string
  /** Milliseconds since 1970. */
  readonly now: number
  readonly store: typeof Store.Service
  readonly schemaStatus: Effect.Effect<SchemaStatus, RegistryError>
  readonly view: Effect.Effect<View, RegistryError>
  /** Port → its listeners. */
  readonly listeners: Effect.Effect<ReadonlyMap<number, ReadonlyArray<Listener>>>
  /** The assigned ports on which nothing answers. */
  readonly silent: Effect.Effect<ReadonlySet<number>, RegistryError>
  /** Finds what serves ports: their listeners, or what answers without one because a container engine publishes it. */
  readonly servedAmong: (ports: Iterable<number>) => Effect.Effect<ReadonlyMap<number, ReadonlyArray<Listener>>>
  readonly silentAmong: (ports: Iterable<number>) => Effect.Effect<ReadonlySet<number>>
  /** The ports that something listens on. */
  readonly bound: Effect.Effect<ReadonlySet<number>>
  /** Fails if no listener can be seen on this system. */
  readonly requireListeners: Effect.Effect<void, NoListenerTable>
  /** Whether something has bound a port, listening or not; `undefined` if that cannot be tested. Tested once. */
  readonly inUse: (port: number) => Effect.Effect<boolean | undefined>
  readonly daemon: Effect.Effect<DaemonProbe>
  /** The daemon's status, if it answers in time. */
  readonly status: Effect.Effect<Status | undefined>
  /** The ports that are up on other hosts. */
  readonly upElsewhere: Effect.Effect<ReadonlySet<number>, RegistryError>
  /** Another machine with this host's name, if there is one: the stored health may be its. */
  readonly rival: Effect.Effect<Rival | undefined>
  readonly environment: Environment
  readonly machine: typeof Listeners.Service
}

/** Gives another port to a key, or to both halves of an app: to `whole` ones, or only to a half that lacks one. */
export type Move = { readonly key: string } | { readonly app: string; readonly whole: boolean }

/** A finding whose fix moves keys. Where to is decided for all findings of a report together. */
export interface MoveDraft extends Omit<Finding, "fix" | "remedy"> {
  readonly moves: ReadonlyArray<Move>
}

/** A finding before its fix is known. */
export type Draft = Finding | MoveDraft

/** A finding of a check, which adds its name. */
export type FindingDraft = Omit<Finding, "check"> | Omit<MoveDraft, "check">

/** A check. It changes nothing. */
export type Check = (context: DoctorContext) => Effect.Effect<ReadonlyArray<FindingDraft>, RegistryError>
