import * as Effect from "effect/Effect"
import { HOST_MAX } from "../../config/Config.ts"
import { fix } from "../../domain/Finding.ts"
import { shellWord } from "../../text/shell.ts"
import type { Check, Draft } from "../DoctorContext.ts"
import { processServing } from "../probeDaemon.ts"
import { configureFile, restart } from "../remedies.ts"

/** No other machine has this host's name: each would overwrite what the other has seen. */
export const hostShared: Check = (scene) =>
  Effect.gen(function* () {
    const state = yield* scene.daemon
    const rival = yield* scene.rival
    if (state._tag !== "Serving" || rival === undefined) return []
    const { actor, fromFile } = scene.settings
    const server = yield* processServing(state.path, scene.machine)
    const name = `${actor.host.slice(0, HOST_MAX - 2)}-2`
    const restarted = yield* restart(scene, state.path, state.pid)
    const draft: Draft = {
      severity: "error",
      keys: [],
      ports: [],
      message: `two machines are called ${actor.host}, and each overwrites the health that the other stores`,
      evidence: `a daemon on another machine (${rival.machine}) stored what it sees as ${actor.host}, last noticed at ${rival.at}`,
      ...(fromFile.has("HOST") || (server?.unit ?? null) !== null
        ? configureFile(scene, "HOST", name)
        : fix(`export AUTOMATELINUX_HOST=${shellWord(name)}; ${restarted.remedy}`))
    }
    return [draft]
  })
