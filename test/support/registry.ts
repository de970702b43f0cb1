import * as Layer from "effect/Layer"
import * as config from "../../src/config/Config.ts"
import { Listeners } from "../../src/machine/Listeners.ts"
import { Registry } from "../../src/registry/Registry.ts"
import { databaseLayer } from "../../src/store/databaseLayer.ts"
import { Store } from "../../src/store/Store.ts"

/** The registry in this process, as a program with the variables `env` has it, with everything that it stands on. */
export const registryLayer = (env: Readonly<Record<string, string>>, listeners = Listeners.Default) =>
  Registry.Default.pipe(
    Layer.provideMerge(Layer.merge(Layer.provideMerge(Store.Default, databaseLayer), listeners)),
    Layer.provideMerge(config.layer(env, "test"))
  )
