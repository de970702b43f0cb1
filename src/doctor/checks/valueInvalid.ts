import * as Effect from "effect/Effect"
import { fix } from "../../domain/Finding.ts"
import { keyProblem, parsePort } from "../../domain/names.ts"
import { nameOf } from "../../text/describe.ts"
import { quote } from "../../text/escape.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"
import { deletePort } from "../remedies.ts"

/** Checks that every row contains a port and has a valid key. An invalid key cannot be queried. */
export const valueInvalid: Check = (context) =>
  Effect.map(context.view, ({ rows }) =>
    [...rows].flatMap(([key, stored]): ReadonlyArray<FindingDraft> => {
      const port = parsePort(stored)
      const isKey = keyProblem(key) === undefined
      if (port !== undefined && isKey) return []
      return [
        {
          severity: port === undefined ? "error" : "info",
          keys: [key],
          ports: port === undefined ? [] : [port],
          message:
            port === undefined
              ? `the row of ${nameOf(key)} does not contain a port`
              : `${port} belongs to ${quote(key)}, which is not a valid key`,
          evidence: `${context.settings.settingsTable} has ${quote(`port_${key}`)} with ${quote(stored)}`,
          ...fix(deletePort(context, key), isKey ? `or d setPort --key ${key} --value PORT` : null)
        }
      ]
    })
  )
