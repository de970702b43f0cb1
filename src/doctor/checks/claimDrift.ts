import * as Effect from "effect/Effect"
import { findDrift } from "../../domain/claims.ts"
import { fix } from "../../domain/Finding.ts"
import { nameOf } from "../../text/describe.ts"
import type { Check } from "../DoctorContext.ts"

/** Checks that the claims agree with the rows. */
export const claimDrift: Check = ({ settings, view }) =>
  Effect.map(view, ({ claims, ports }) => {
    const stamp = { claimedAt: "", host: settings.actor.host, by: settings.actor.user }
    return findDrift(ports, claims, stamp).map(({ claim, from, to }) => ({
      severity: "warning" as const,
      keys: [claim.key],
      ports: [...new Set([from, to].filter((port) => port !== undefined))],
      message:
        from === undefined
          ? `${nameOf(claim.key)} has no claim on its port ${to}`
          : to === undefined
            ? `${nameOf(claim.key)} has a claim on ${from} but not the port`
            : `${nameOf(claim.key)} has ${to}, but its claim is on ${from}`,
      evidence: `another program wrote to ${settings.settingsTable}, and no command or tick has followed since`,
      ...fix("d doctor --fix")
    }))
  })
