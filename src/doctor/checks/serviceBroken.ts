import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import { userName } from "../../machine/user.ts"
import { installedProgram, scopeOf } from "../../service/startScript.ts"
import { lingers } from "../../service/systemd.ts"
import { currentUid } from "../../socket/socketPath.ts"
import { asTyped } from "../../text/escape.ts"
import { shellWord } from "../../text/shell.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"

/** Checks that the service of `d service install` starts what is there, and that it does not end when its user logs out. */
export const serviceBroken: Check = ({ environment }) =>
  Effect.sync(() => {
    const scope = scopeOf(currentUid())
    const program = installedProgram(scope, environment)
    if (program === undefined) return []
    const about = { keys: [], ports: [] }
    const broken = program.gone.map(
      (path): FindingDraft => ({
        ...about,
        severity: "warning",
        message: `the service was installed with a ${path === program.node ? "Node" : "d"} that is gone: ${asTyped(path)}`,
        evidence: "it starts another one if it finds one, which may be too old",
        ...fix("d service install", "makes the service start this d with this Node")
      })
    )
    const ending: FindingDraft = {
      ...about,
      severity: "info",
      message: "the service stops when you log out",
      evidence: `systemd does not keep the services of ${userName()} running`,
      ...fix(`loginctl enable-linger ${shellWord(userName())}`)
    }
    // launchd has no remedy for that.
    const isEnding = process.platform === "linux" && scope === "user" && !lingers(userName())
    return isEnding ? [...broken, ending] : broken
  })
