import * as Layer from "effect/Layer"
import { PortsConfig } from "../config/Config.ts"
import { Listeners } from "../machine/Listeners.ts"
import { Registry } from "../registry/Registry.ts"
import { databaseLayer } from "../store/databaseLayer.ts"
import { Store } from "../store/Store.ts"

/** What every command runs on. */
export type Services = PortsConfig | Listeners | Store | Registry

/**
 * The registry with everything that it stands on, for a command, the daemon and the tests. Nothing connects to the
 * database before it is needed: each method fails with Unavailable while it is away.
 */
export const registryLayer = (settings: typeof PortsConfig.Service, listeners = Listeners.Default) =>
  Registry.Default.pipe(
    Layer.provideMerge(Store.Default),
    Layer.provideMerge(databaseLayer),
    Layer.provideMerge(listeners),
    Layer.provideMerge(Layer.succeed(PortsConfig, settings))
  )
