import {
  FORMAT,
  FORMAT_VERSION,
  type Incoming,
  type IncomingOwner,
  type IncomingRegistry,
  type IncomingReservation,
  type IncomingRule,
  type Stamp
} from "../domain/Exchange.ts"
import { CHECK_NAMES } from "../domain/Finding.ts"
import { columnTime, LIMITS } from "../domain/foreignText.ts"
import { PORT_MAX } from "../domain/names.ts"
import { LEARNED } from "../domain/Owner.ts"
import { isObject } from "../machine/json.ts"

/** Reads the versioned JSON document. Written by hand, because the client reads it, too, and must load no library for it. */

/** A place in a document, as the names and positions that lead to it. */
export type Place = ReadonlyArray<string | number>

/** The first thing that is wrong in a document. */
export class WrongDocument extends Error {
  readonly place: Place
  readonly problem: string

  constructor(place: Place, problem: string) {
    super(problem)
    this.place = place
    this.problem = problem
  }
}

export type Fields = Readonly<Record<string, unknown>>

const wrong = (place: Place, problem: string): never => {
  throw new WrongDocument(place, problem)
}

/** Reads the fields of one object. */
const reader = (value: unknown, place: Place) => {
  const fields: Fields = isObject(value) ? value : wrong(place, "is not an object")
  const at = (name: string): Place => [...place, name]
  const text = (name: string, max: number): string => {
    const found = fields[name]
    if (typeof found !== "string") return wrong(at(name), found === undefined ? "is missing" : "is not text")
    // Anything may be in a registry, and has to come back as it was.
    const problem = found.length > max ? `is longer than ${max} characters` : "is not valid Unicode"
    return found.length > max || !found.isWellFormed() ? wrong(at(name), problem) : found
  }
  const time = (name: string): string => {
    const found = columnTime(fields[name])
    return found ?? wrong(at(name), "is not a time in UTC, as 2026-11-26T14:00:00.000Z")
  }
  const isAbsent = (name: string): boolean => (fields[name] ?? undefined) === undefined
  const optional = <A>(name: string, read: (name: string) => A): A | undefined =>
    isAbsent(name) ? undefined : read(name)
  const port = (name: string): number => {
    const found = fields[name]
    return typeof found === "number" && Number.isInteger(found) && found >= 1 && found <= PORT_MAX
      ? found
      : wrong(at(name), `is not a port: a whole number from 1 to ${PORT_MAX}`)
  }
  const flag = (name: string): boolean => {
    const found = fields[name]
    return typeof found === "boolean" ? found : wrong(at(name), "is neither true nor false")
  }
  return { at, fields, flag, isAbsent, optional, port, text, time }
}

const stampIn = (value: unknown, place: Place): Stamp => {
  const { text, time } = reader(value, place)
  return { at: time("at"), host: text("host", LIMITS.column), by: text("by", LIMITS.column) }
}

const assignmentIn = (value: unknown, place: Place): Incoming => {
  const { at, fields, flag, optional } = reader(value, place)
  const { claimed, created, description, key, line, pinned, port = null, stored } = fields
  if (typeof key !== "string") return wrong(at("key"), key === undefined ? "is missing" : "is not text")
  if (port !== null && typeof port !== "number" && typeof port !== "string") return wrong(at("port"), "is not a port")
  const textOrNull = (name: string, found: unknown): string | null | undefined =>
    found === undefined || found === null || typeof found === "string" ? found : wrong(at(name), "is not text")
  const stampOrNull = (name: string, found: unknown): Stamp | null | undefined =>
    found === undefined || found === null ? found : stampIn(found, at(name))
  return {
    key,
    port,
    description: textOrNull("description", description),
    shared: optional("shared", flag),
    stored: textOrNull("stored", stored),
    claimed: stampOrNull("claimed", claimed),
    created: stampOrNull("created", created),
    pinned: stampOrNull("pinned", pinned),
    line: typeof line === "number" ? line : undefined
  }
}

/** The longest kind of an owner that its column holds. */
const KIND_MAX = 16 - LEARNED.length

const ownerIn = (value: unknown, place: Place): IncomingOwner => {
  const { fields, flag, optional, text, time } = reader(value, place)
  return {
    key: text("key", LIMITS.key),
    host: optional("host", (name) => text(name, LIMITS.column)),
    kind: text("kind", KIND_MAX),
    name: text("name", LIMITS.path),
    said: optional("said", flag),
    since: optional("since", time),
    seen: fields["seen"] === null ? null : optional("seen", time)
  }
}

const partialStamp = ({ optional, text, time }: ReturnType<typeof reader>): Partial<Stamp> => {
  const at = optional("at", time)
  const host = optional("host", (name) => text(name, LIMITS.column))
  const by = optional("by", (name) => text(name, LIMITS.column))
  return {
    ...(at === undefined ? {} : { at }),
    ...(host === undefined ? {} : { host }),
    ...(by === undefined ? {} : { by })
  }
}

const reservationIn = (value: unknown, place: Place): IncomingReservation => {
  const read = reader(value, place)
  return { port: read.port("port"), reason: read.text("reason", LIMITS.text), ...partialStamp(read) }
}

const ruleIn = (value: unknown, place: Place): IncomingRule => {
  const read = reader(value, place)
  const check = read.fields["check"]
  const known = CHECK_NAMES.find((each) => each === check) ?? wrong(read.at("check"), "is not a check of d doctor")
  return {
    check: known,
    key: read.optional("key", (name) => read.text(name, LIMITS.column)) ?? null,
    port: read.optional("port", read.port) ?? null,
    reason: read.text("reason", LIMITS.text),
    ...partialStamp(read)
  }
}

const listIn = <A>(fields: Fields, name: string, read: (value: unknown, place: Place) => A): ReadonlyArray<A> => {
  const found = fields[name] ?? []
  return Array.isArray(found)
    ? found.map((each: unknown, index) => read(each, [name, index]))
    : wrong([name], "is not a list")
}

/** Whether `value` says that it is a document of this format, whatever its version. */
export const isDocument = (value: unknown): value is Fields => isObject(value) && value["format"] === FORMAT

/** Reads a parsed document. Throws WrongDocument. */
export const readDocument = (value: unknown): IncomingRegistry => {
  if (!isDocument(value)) return wrong(["format"], `is not "${FORMAT}"`)
  const { version } = value
  if (version !== FORMAT_VERSION) {
    const isNewer = typeof version === "number" && version > FORMAT_VERSION
    return wrong(["version"], isNewer ? `is ${version}: a newer d wrote this` : `is not ${FORMAT_VERSION}`)
  }
  return {
    assignments: listIn(value, "assignments", assignmentIn),
    owners: listIn(value, "owners", ownerIn),
    reservations: listIn(value, "reservations", reservationIn),
    ignored: listIn(value, "ignored", ruleIn)
  }
}

/** Writes what was read as a document again, for the registry. */
export const documentOf = (incoming: IncomingRegistry): string =>
  JSON.stringify({ format: FORMAT, version: FORMAT_VERSION, ...incoming })

/** Writes a place as a person would: `assignments[3].port`. */
export const placeText = (place: Place): string =>
  place
    .map((each) => (typeof each === "number" ? `[${each}]` : `.${each}`))
    .join("")
    .replace(/^\./, "")
