import * as Layer from "effect/Layer"
import * as config from "../../src/config.ts"
import { Listeners } from "../../src/Listeners.ts"
import { Registry } from "../../src/Registry.ts"
import { Store } from "../../src/Store.ts"
import { databaseLayer } from "../../src/store/database.ts"

/** The registry in this process, as a program with the variables `env` has it, with everything that it stands on. */
export const registryLayer = (env: Readonly<Record<string, string>>, listeners = Listeners.Default) =>
  Registry.Default.pipe(
    Layer.provideMerge(Layer.merge(Layer.provideMerge(Store.Default, databaseLayer), listeners)),
    Layer.provideMerge(config.layer(env, "test"))
  )
