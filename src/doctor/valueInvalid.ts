import * as Effect from "effect/Effect"
import { keyProblem, parsePort, quote } from "../domain/rules.ts"
import { asAdministrator, deletePort } from "./remedies.ts"
import type { Check } from "./scene.ts"

/** A text of SQL. */
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** The row of every key holds a port. */
export const valueInvalid: Check = (scene) =>
  Effect.map(scene.view, ({ rows }) =>
    [...rows]
      .filter(([, stored]) => parsePort(stored) === undefined)
      .map(([key, stored]) => ({
        severity: "error" as const,
        keys: [key],
        ports: [],
        message: `the row of ${keyProblem(key) === undefined ? key : quote(key)} holds no port`,
        evidence: `${scene.settings.settingsTable} has ${quote(`port_${key}`)} with ${quote(stored)}`,
        remedy:
          keyProblem(key) === undefined
            ? `${deletePort(key)}  # or d setPort --key ${key} --value PORT`
            : asAdministrator(
                scene,
                `DELETE FROM ${scene.settings.settingsTable} WHERE setting_key = ${literal(`port_${key}`)}`
              )
      }))
  )
