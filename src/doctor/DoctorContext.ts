import type * as Effect from "effect/Effect"
import type { Status } from "../commands/Results.ts"
import type { PortsConfig } from "../config/Config.ts"
import type { RegistryError } from "../domain/errors.ts"
import type { Finding } from "../domain/Finding.ts"
import type { Listener } from "../domain/Listener.ts"
import type { PortHealth, Rival } from "../domain/portHealth.ts"
import type { RegistryState } from "../domain/RegistryState.ts"
import type { SchemaStatus } from "../domain/SchemaStatus.ts"
import type { Listeners } from "../machine/Listeners.ts"
import type { Store } from "../store/Store.ts"
import type { DaemonProbe } from "./probeDaemon.ts"

/** The registry as it is stored, and what this host has seen. */
export interface View extends RegistryState {
  /** Those of the reserved ports that are held back with `d reserve`. */
  readonly reservedAtRunTime: ReadonlySet<number>
  /** Port → its keys, lowest name first. */
  readonly keysOf: ReadonlyMap<number, ReadonlyArray<string>>
  /** What is still true of a key's port on this host. */
  readonly healthOf: (key: string) => PortHealth | undefined
  /** When this host was last looked at; ISO 8601, null where it never was. */
  readonly probedAt: string | null
}

/** What the checks look at. Each part is read when the first check asks for it, and once. */
export interface DoctorContext {
  readonly settings: typeof PortsConfig.Service
  /** Who asks: another version than the daemon's is a finding. */
  readonly version: string
  /** Milliseconds since 1970. */
  readonly now: number
  readonly store: typeof Store.Service
  readonly schemaStatus: Effect.Effect<SchemaStatus, RegistryError>
  readonly view: Effect.Effect<View, RegistryError>
  /** Port → what listens on it. */
  readonly listeners: Effect.Effect<ReadonlyMap<number, ReadonlyArray<Listener>>>
  /** The assigned ports on which nothing answers. */
  readonly silent: Effect.Effect<ReadonlySet<number>, RegistryError>
  readonly silentAmong: (ports: Iterable<number>) => Effect.Effect<ReadonlySet<number>>
  /** The ports that something listens on. */
  readonly bound: Effect.Effect<ReadonlySet<number>>
  readonly daemon: Effect.Effect<DaemonProbe>
  /** What the daemon says of itself, if it answers in time. */
  readonly status: Effect.Effect<Status | undefined>
  /** The other machine that has this host's name, if there is one: then what is stored may be what that one saw. */
  readonly rival: Effect.Effect<Rival | undefined>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly machine: typeof Listeners.Service
}

/** What a check has to say; whose it is, is known. */
export type FindingDraft = Omit<Finding, "check">

/** One check: looks at the scene, changes nothing. */
export type Check = (context: DoctorContext) => Effect.Effect<ReadonlyArray<FindingDraft>, RegistryError>
