import type { Incoming, IncomingReservation } from "../../domain/Exchange.ts"
import { columnTime } from "../../domain/foreignText.ts"
import { parsePort } from "../../domain/names.ts"
import { type Content, isObject, linesOfJson, parseJson, portOf, type Source, textIn, Unreadable } from "../Source.ts"

const allocationsIn = (source: Source) => {
  const value = parseJson(source)
  return isObject(value) && Array.isArray(value["allocations"])
    ? {
        allocations: value["allocations"],
        reservations: Array.isArray(value["reservations"]) ? value["reservations"] : []
      }
    : undefined
}

/** Whether it is the registry of devports. */
export const isDevports = (source: Source): boolean => allocationsIn(source) !== undefined

/** Reads the registry of devports: a list of services of projects, and reservations. */
export const readDevports = (source: Source): Content => {
  const found = allocationsIn(source)
  if (found === undefined) throw new Unreadable('has no list "allocations": is it the registry of devports?')
  const lineAt = linesOfJson(source)
  const assignments = found.allocations.map((each: unknown, index): Incoming => {
    const fields = isObject(each) ? each : {}
    const description = textIn(fields, "note") ?? textIn(fields, "type")
    return {
      key: [textIn(fields, "project"), textIn(fields, "service")].filter((part) => part !== undefined).join("-"),
      port: portOf(fields["port"]),
      ...(description === undefined ? {} : { description }),
      line: lineAt(["allocations", index])
    }
  })
  const doubts: Array<string> = []
  const reservations = found.reservations.flatMap((each: unknown, index): ReadonlyArray<IncomingReservation> => {
    const fields = isObject(each) ? each : {}
    const port = parsePort(String(fields["port"]))
    if (port === undefined) {
      doubts.push(`line ${lineAt(["reservations", index])}: a reservation without a port was left out`)
      return []
    }
    const at = columnTime(fields["reservedAt"])
    return [{ port, reason: textIn(fields, "reason") || "reserved in devports", ...(at === null ? {} : { at }) }]
  })
  return { assignments, reservations, doubts }
}
