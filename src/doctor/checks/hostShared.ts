import * as Effect from "effect/Effect"
import { HOST_MAX } from "../../config/hostName.ts"
import { fix } from "../../domain/Finding.ts"
import { shellWord } from "../../text/shell.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { processServing } from "../probeDaemon.ts"
import { configureFile, RESTART } from "../remedies.ts"

/** Checks that no other machine has this host's name: each would overwrite the other's health. */
export const hostShared: Check = (context) =>
  Effect.gen(function* () {
    const state = yield* context.daemon
    const rival = yield* context.rival
    if (state._tag !== "Serving" || rival === undefined) return []
    const { actor, fromFile } = context.settings
    const server = yield* processServing(state.path, context.machine)
    const name = `${actor.host.slice(0, HOST_MAX - 2)}-2`
    const draft: FindingDraft = {
      severity: "error",
      keys: [],
      ports: [],
      message: `two machines are called ${actor.host}, and each overwrites the health that the other one stores`,
      evidence: `a daemon on another machine (${rival.machine}) stored health as ${actor.host}, last noticed at ${rival.at}`,
      ...(fromFile.has("host") || (server?.unit ?? null) !== null
        ? configureFile(context, "host", name)
        : fix(`export AUTOMATELINUX_HOST=${shellWord(name)}; ${RESTART}`))
    }
    return [draft]
  })
