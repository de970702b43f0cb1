import * as Layer from "effect/Layer"
import { PortsConfig } from "../config/Config.ts"
import { Listeners } from "../machine/Listeners.ts"
import { Registry } from "../registry/Registry.ts"
import { databaseLayer } from "../store/databaseLayer.ts"
import { Store } from "../store/Store.ts"

/** The services that every command uses. */
export type Services = PortsConfig | Listeners | Store | Registry

/**
 * The registry with everything it depends on, for a command, the daemon and the tests. It connects to the database on
 * first use: each method fails with Unavailable while the database is down.
 */
export const registryLayer = (settings: typeof PortsConfig.Service, listeners = Listeners.Default) =>
  Registry.Default.pipe(
    Layer.provideMerge(Store.Default),
    Layer.provideMerge(databaseLayer),
    Layer.provideMerge(listeners),
    Layer.provideMerge(Layer.succeed(PortsConfig, settings))
  )
