import { basename } from "node:path"
import type { Note } from "../domain/Note.ts"
import { appProblem } from "../domain/names.ts"
import { formatRange } from "../domain/PortRange.ts"
import type { Stay } from "../domain/Prune.ts"
import { formatPorts } from "../domain/portList.ts"
import { age, describeListener, describeTarget, nameOf, names, removal, unignoring } from "./describe.ts"
import { quote } from "./escape.ts"
import { shellWord } from "./shell.ts"

/** The lines that people read beside a result, one entry for each note. */

/** How many skipped ports are told with what has bound them; `--json` has all. */
const SKIPPED_SHOWN = 3

/** Proposes a name for a second directory of an app or a special. */
const anotherName = (name: string, directory: string): string => {
  const proposed = `${name}-${basename(directory).replaceAll(/[^A-Za-z0-9._-]+/g, "-")}`
  return appProblem(proposed) === undefined ? proposed : "NAME"
}

/** Why keys stay, in a few words for a count. */
const STAYING: Readonly<Record<Stay["why"], string>> = {
  pinned: "pinned",
  up: "up",
  unclear: "unclear",
  unknown: "of unknown health",
  "up-elsewhere": "up on another host",
  "claimed-elsewhere": "claimed on another host",
  "seen-elsewhere": "seen up by another host",
  "owned-elsewhere": "in use on another host",
  doubt: "whose directory may be there",
  new: "whose directory is new",
  half: "whose other half stays",
  used: "in use",
  "no-port": "without a port"
}
/** What is odd about one key that was imported, and about several. */
const IMPORTED = {
  shared: ["shares its port with another key", "share their ports with other keys"],
  reserved: ["has a reserved port", "have reserved ports"],
  outside: ["has a port outside its range", "have ports outside their ranges"],
  odd: [
    "has a port of the wrong parity: prod is even, dev is odd",
    "have ports of the wrong parity: prod is even, dev is odd"
  ]
} as const

type NoteOf<T extends Note["_tag"]> = Extract<Note, { readonly _tag: T }>

const notes: { readonly [T in Note["_tag"]]: (note: NoteOf<T>) => string } = {
  Skipped: ({ ports }) => {
    const told = ports.slice(0, SKIPPED_SHOWN).map(({ by, port }) => `${port}: ${describeListener(by)}`)
    const more = ports.length - told.length
    return `skipped ${told.join("; ")}${more === 0 ? "" : `; and ${more} more`}`
  },
  PassedOver: ({ key, port, stored }) =>
    `skipped ${port}: the row of ${nameOf(key)} contains ${quote(stored)}, which other programs may read as that port: d doctor --check value-invalid`,
  OddPair: ({ app, dev, prod, range }) =>
    `note: ${app} keeps ${prod} and ${dev} as stored, which is not a pair of ${formatRange(range)}`,
  NothingHeld: ({ isOther, kind, name }) => {
    const other = kind === "app" ? "special" : "app"
    return isOther
      ? `note: ${name} is not released: it is the name of ${other === "app" ? "an app" : "a special"}: d release --${other} ${name}`
      : `note: ${name} has no port to release`
  },
  ReleasedElsewhere: ({ by, host, keys }) =>
    `warning: ${names(keys)} ${keys.length === 1 ? "was" : "were"} claimed on ${host} by ${by}, and ${keys.length === 1 ? "is" : "are"} released there, too`,
  OtherName: ({ app, wanted }) => `note: ${wanted} is the app of another directory, so this one's is ${app}`,
  Moved: ({ from, kind, name, to }) =>
    `note: ${name} lived in ${from} so far, and from now on in ${to}; if both are in use, give one another name: d allocate --${kind} ${anotherName(name, to)} --dir ${shellWord(to)}`,
  OutOfRange: ({ key, port, range }) => `warning: ${port} is outside ${formatRange(range)}, the range for ${key}`,
  WrongParity: ({ kind, port }) =>
    `warning: ${port} is ${port % 2 === 0 ? "even" : "odd"}; the ${kind} port of a pair is ${kind === "prod" ? "even" : "odd"}`,
  Shared: ({ holders, port }) => `warning: ${port} also belongs to ${names(holders)}`,
  Reserved: ({ port, reason }) => `warning: ${port} is reserved: ${reason}`,
  InUse: ({ by, port }) => `warning: ${port} is in use by ${describeListener(by)}`,
  StaysHeld: ({ holders, ports }) =>
    `warning: ${names(holders)} still ${holders.length === 1 ? "has" : "have"} ${formatPorts(ports)}; a reservation only affects future allocations`,
  WasReserved: ({ ports, reason }) =>
    `note: ${formatPorts(ports)} ${ports.length === 1 ? "was" : "were"} reserved so far: ${reason}`,
  StillReserved: ({ ports, reason }) =>
    `note: ${formatPorts(ports)} ${ports.length === 1 ? "is" : "are"} still reserved: ${reason}`,
  WasNotReserved: ({ ports }) =>
    `note: ${formatPorts(ports)} ${ports.length === 1 ? "was" : "were"} not reserved with d reserve`,
  Stays: ({ key, why }) => `note: ${nameOf(key)} stays: ${why}`,
  ManyStay: ({ counts }) => {
    const total = counts.reduce((sum, [, count]) => sum + count, 0)
    const told = counts.map(([reason, count]) => `${count} ${STAYING[reason]}`).join(", ")
    return `note: ${total} keys stay: ${told}; d prune --all names them`
  },
  MayGo: ({ count, keys }) =>
    `note: ${count === 1 ? "this port" : `these ${count} ports`} may go, and nothing was changed; to release ${count === 1 ? "it" : "them"}: ${["d prune", ...keys.map((key) => `--key ${key}`), "--yes"].join(" ")}`,
  NothingToPrune: () => "note: there is nothing to release",
  NoneListed: () => "note: no key matches these options",
  NotPinned: ({ keys }) => `note: ${names(keys)} ${keys.length === 1 ? "is" : "are"} not pinned`,
  OldHealth: ({ seconds }) => `note: health is ${age(seconds)} old: no daemon is probing the ports: d daemon start`,
  HealthAhead: ({ at }) =>
    `note: the age of the health is unknown: it was stored at ${at}, by a clock that was ahead; a daemon updates it: d daemon start`,
  Ignoring: ({ target }) => `note: ${describeTarget(target)} is ignored from now on; to undo it: ${unignoring(target)}`,
  NoLongerIgnoring: ({ target }) => `note: ${describeTarget(target)} is no longer ignored`,
  SecretReadable: ({ file, readers }) =>
    `warning: ${readers} may read the password of the database in ${file}: chmod 600 ${shellWord(file)}`,
  ImportedOdd: ({ keys, what }) => {
    const [one, more] = IMPORTED[what]
    return `warning: ${names(keys)} ${keys.length === 1 ? one : more}`
  },
  ImportKept: ({ owners, reservations }) => {
    const what = [
      ...(owners === 0 ? [] : [`${owners} ${owners === 1 ? "owner" : "owners"}`]),
      ...(reservations === 0 ? [] : [`${reservations} ${reservations === 1 ? "reservation" : "reservations"}`])
    ]
    return `note: kept ${what.join(" and ")} as stored, which the file has differently`
  },
  NotFixed: ({ why }) => `warning: not fixed: ${why}`,
  NoPort: ({ key, stored }) =>
    `warning: the row of ${nameOf(key)} contains ${quote(stored)}, which is not a port: ${removal(key)}`
}

/** Turns a note into a line for standard error. */
export const noteLine = <T extends Note["_tag"]>(note: NoteOf<T>): string => notes[note._tag as T](note)
