import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as layers from "../../src/app/layers.ts"
import { readConfig } from "../../src/config/Config.ts"
import type { Listeners } from "../../src/machine/Listeners.ts"

/** The registry in this process, as a program with the variables `env` has it, with everything that it stands on. */
export const registryLayer = (env: Readonly<Record<string, string>>, listeners?: Layer.Layer<Listeners>) =>
  Layer.unwrapEffect(Effect.map(readConfig(env, "test"), (settings) => layers.registryLayer(settings, listeners)))
