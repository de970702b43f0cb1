import { findCommand, usageHint } from "../commands/commands.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { Later, NamingCommand, RegistryError } from "../domain/errors.ts"
import type { Listener } from "../domain/Listener.ts"
import { appProblem } from "../domain/names.ts"
import { contains, formatRange, type Obstacle } from "../domain/PortRange.ts"
import { formatPorts } from "../domain/portList.ts"
import { describeListener, describeTarget, nameOf, names, removal, showProcess } from "./describe.ts"
import { asTyped, quote } from "./escape.ts"
import { hintForKey, keysOfApp, numberAsKey } from "./nameHints.ts"
import { shellWord } from "./shell.ts"

/** The sentences that people read about errors, one entry for each. */

const obstacleText = (obstacle: Obstacle | undefined, by: Listener | undefined): string => {
  switch (obstacle?._tag) {
    case "Assigned":
      return `belongs to ${nameOf(obstacle.key)}`
    case "Reserved":
      return `is reserved: ${obstacle.reason}`
    default:
      return `is in use by ${describeListener(by ?? null)}`
  }
}

/** What to do if the system does not let this process bind a port, by the system's code. */
const bindHint = (code: string): string => {
  switch (code) {
    case "EMFILE":
    case "ENFILE":
      return "check the limits of this shell: ulimit -n"
    case "EACCES":
    case "EPERM":
    case "EAFNOSUPPORT":
      return "a sandbox forbids it: run d outside of it, or d daemon start outside of it, and let its socket in"
    default:
      return "try again, or choose a port yourself: d setPort --key KEY --value PORT"
  }
}

/** The long form of a command that is given a name. */
const naming = (command: NamingCommand, kind: "key" | "app", name: string): string =>
  `d ${command} --${kind} ${name}${{ describe: " --description TEXT", pin: "", rename: " --to NEW", unpin: "" }[command]}`

/** Names a later operation: its number, what it did, when and by whom. */
const laterText = ({ at, host, number, user, what }: Later): string =>
  `${number}, ${what} by ${user} on ${host} at ${at}`

type ErrorOf<T extends RegistryError["_tag"]> = Extract<RegistryError, { readonly _tag: T }>

const errors: { readonly [T in RegistryError["_tag"]]: (error: ErrorOf<T>) => CommandError } = {
  Ambiguous: ({ command, halves, name }) => ({
    code: "conflict",
    message: `${name} is both a key and an app, which has ${names(halves)}`,
    hint: `${naming(command, "key", name)} for the key, ${naming(command, "app", name)} for the app`
  }),
  NothingNamed: ({ asked, command, isOther, name }) => {
    const halves = `${name}-prod`
    const other = asked === "app" ? "key" : "app"
    return {
      code: "not-set",
      message: `Port not set for ${{ key: name, app: `${halves} and ${name}-dev`, any: `${name}, ${halves} or ${name}-dev` }[asked ?? "any"]}`,
      hint: isOther
        ? `${name} is ${other === "app" ? "an app" : "a key"}: ${naming(command, other, name)}`
        : "d listPorts lists what is set"
    }
  },
  NotAnApp: ({ app, to }) => ({
    code: "invalid",
    message: `to ${quote(to)} ${appProblem(to)}`,
    hint: naming("rename", "app", app)
  }),
  NotSet: ({ key, stored }) =>
    stored === undefined
      ? {
          code: "not-set",
          message: `Port not set for ${key}`,
          hint: numberAsKey(key) ?? `${keysOfApp(key)}d listPorts lists what is set, d claim --key ${key} claims a port`
        }
      : {
          code: "not-set",
          message: `Port not set for ${key}: its row contains ${quote(stored)}, which is not a port`,
          hint: `d setPort --key ${key} --value PORT, or d deletePort --key ${key}`
        },
  NotFound: ({ isApp, key }) => ({
    code: "not-found",
    message: `Port entry not found for ${key}`,
    hint: isApp ? `${key} is an app: d release --app ${key}` : (numberAsKey(key) ?? "d listPorts lists what is set")
  }),
  NotIgnored: ({ target }) => ({
    code: "not-found",
    message: `${describeTarget(target)} is not ignored`,
    hint: "d doctor --all lists what is ignored"
  }),
  NotReserved: ({ ports, reason }) => {
    const [port] = ports
    if (ports.length > 1 || port === undefined)
      return {
        code: "not-found",
        message: `none of ${formatPorts(ports)} was reserved with d reserve`,
        hint: "d listReserved lists what is reserved"
      }
    return reason === undefined
      ? {
          code: "not-found",
          message: `${port} is not reserved`,
          hint: `d explain ${port} shows who has it, d listReserved what is reserved`
        }
      : {
          code: "not-found",
          message: `${port} was not reserved with d reserve; it is reserved anyway: ${reason}`,
          hint: `to make it available, add -${port} to AUTOMATELINUX_RESERVED_PORTS, or to reservedPorts in the configuration file`
        }
  },
  PortHeld: ({ holders, key, port }) => ({
    code: "conflict",
    message: `${port} belongs to ${names(holders)}; ${key} was not set`,
    hint: `choose another port, or ${removal(...holders)}, or repeat with --force to share it`
  }),
  NoApp: ({ directory }) => ({
    code: "not-set",
    message: `Port not set for ${directory}: no app belongs to it`,
    hint: "d claim claims a port for it; d listPorts lists what is set"
  }),
  OwnedElsewhere: ({ app, directory, home }) => ({
    code: "conflict",
    message: `${app} belongs to ${home}, not to ${directory}`,
    hint: `without --app and --key, this directory has an app of its own; if ${app} has moved here: d allocate --app ${app} --dir ${shellWord(directory)}`
  }),
  StillUp: ({ key, number, on, port }) => {
    const up =
      "by" in on ? `${key} is up: ${port} is served by ${describeListener(on.by)}` : `${key} is up on ${on.host}`
    return {
      code: "conflict",
      message: number === undefined ? `${up}; nothing was released` : `${number} was not taken back: ${up}`,
      hint: "stop it first, or repeat with --force"
    }
  },
  KeyTaken: ({ app, key, port, to }) => ({
    code: "conflict",
    message: `${to} already has port ${asTyped(port)}; ${key} was not renamed`,
    hint: `${app === undefined ? `d deletePort --key ${to}` : naming("rename", "app", app)} first, or choose another name`
  }),
  KeyCollision: ({ key, other, table }) => ({
    code: "conflict",
    message: `the table ${table} treats ${quote(key)} and ${quote(other)} as the same key`,
    hint: "choose a name that differs by more than case, accents or spaces"
  }),
  PairBlocked: ({ app, by, half, obstacle, port, range }) => {
    const partner = half === "prod" ? port + 1 : port - 1
    const why =
      obstacle === undefined
        ? contains(range, port)
          ? `but a ${half} port in ${formatRange(range)} must be ${half === "prod" ? "even" : "odd"}`
          : `outside ${formatRange(range)}, the range for pairs`
        : `and ${partner}, the other half of its pair, ${obstacleText(obstacle, by)}`
    return {
      code: "conflict",
      message: `${app}-${half} has ${port}, ${why}`,
      hint: "d doctor --check pair-broken shows a pair to move it to"
    }
  },
  RangeFull: ({ figures: { busy, claimed, reserved, slots, stale = 0 }, kind, name, range }) => ({
    code: "range-full",
    message: `no free ${kind === "app" ? "pair" : "port"} for ${name} in ${formatRange(range)}: slots ${slots}, claimed ${claimed}, reserved ${reserved}, busy ${busy}, stale ${stale}`,
    hint:
      stale > 0
        ? "d prune lists what may be released"
        : `${reserved > claimed ? "unreserve what is no longer needed (d listReserved)" : "release what is no longer needed (d listPorts)"}, or enlarge the range: AUTOMATELINUX_${kind === "app" ? "APP" : "SPECIAL"}_RANGE`
  }),
  Invalid: ({ argument, command, problem, value }) => ({
    code: "invalid",
    message: `${argument} ${problem}`,
    hint: hintForKey(command, argument, value) ?? `d ${command} --help`
  }),
  MissingArgument: ({ argument, command }) => {
    const spec = findCommand(command)
    return {
      code: "missing-argument",
      message: `Missing required arg: ${argument}`,
      hint: spec === undefined ? "d help" : usageHint(spec)
    }
  },
  WrongConfig: ({ hint = "correct it, or remove it to use the default", problem, setting }) => ({
    code: "invalid",
    message: `${setting} ${problem}`,
    hint
  }),
  CannotTry: ({ code, port }) => ({
    code: "unavailable",
    message: `cannot tell whether ${port} is free on this machine: the system says ${code}`,
    hint: bindHint(code)
  }),
  NoListenerTable: () => ({
    code: "unavailable",
    message: "cannot tell which process listens: this system has no /proc/net/tcp that d can read",
    hint: "to set the owner of a key: d setPort --key KEY --dir PATH"
  }),
  NothingToAccept: ({ key, port, served }) => ({
    code: "conflict",
    message: served
      ? `cannot tell which process listens on ${port}; the owner of ${key} is unchanged`
      : `nothing listens on ${port}; the owner of ${key} is unchanged`,
    hint: served
      ? `${showProcess(port)} shows the process; d setPort --key ${key} --dir PATH sets the owner`
      : `start it first, or set the owner: d setPort --key ${key} --dir PATH`
  }),
  NoOperation: ({ number }) => ({
    code: "not-found",
    message: `there is no operation ${number} in the history`,
    hint: "d history lists the operations with their numbers"
  }),
  NothingToTakeBack: ({ host, user, what }) => ({
    code: "not-found",
    message:
      what === "undo"
        ? `nothing to undo: no change by ${user} on ${host} is in effect`
        : `nothing to redo: ${user} has taken nothing back on ${host} since the last change`,
    hint: "d history lists all changes, d undo NUMBER takes back one of them"
  }),
  NotUndoable: ({ isForeign, number }) => ({
    code: "conflict",
    message: isForeign
      ? `${number} records what another program wrote, which d cannot take back`
      : `${number} cannot be taken back: the d that made it did not record enough for that`,
    hint: `d history ${number} shows what it changed`
  }),
  ChangedSince: ({ about, by, number }) => {
    const what =
      "key" in about ? nameOf(about.key) : "port" in about ? String(about.port) : describeTarget(about.target)
    if (by?.takesBack === number)
      return {
        code: "conflict",
        message: `${number} was already taken back by ${laterText(by)}`,
        hint: `d undo ${by.number} makes the change again`
      }
    return {
      code: "conflict",
      message: `${number} was not taken back: ${what} was changed since${by === undefined ? "" : ` by ${laterText(by)}`}`,
      hint: by === undefined ? "d history shows what was changed since" : `d undo ${by.number} first`
    }
  },
  TakenSince: ({ by, holders, key, number, port }) => ({
    code: "conflict",
    message: `${number} was not taken back: ${port}, which ${nameOf(key)} had, belongs to ${names(holders)} since ${by === undefined ? "another program's change" : laterText(by)}`,
    hint: `${by === undefined ? "" : `d undo ${by.number} first, or `}repeat with --force to share the port`
  }),
  Overtaken: () => ({
    code: "outcome-unknown",
    message: "the change was made, and another one has undone part of it since",
    hint: "d listPorts shows the current state; the same command makes the change again"
  }),
  CannotBackUp: ({ exists, file, reason }) => ({
    code: exists ? "conflict" : "invalid",
    message: `cannot write ${file}: ${reason}`,
    hint: exists
      ? "choose another name: a backup overwrites nothing"
      : "name a file in a directory that you can write to: d backup FILE"
  }),
  BackedUpElsewhere: ({ command, store }) => ({
    code: "invalid",
    message: `${store} is backed up with the server's own program, not with d`,
    hint: command
  }),
  TooLate: () => ({
    code: "unavailable",
    message: "the request expired before it was started",
    hint: "try again"
  }),
  TookTooLong: ({ seconds, what }) => ({
    code: "unavailable",
    message: `${what} did not finish within ${seconds} s`,
    hint: "try again"
  }),
  OutcomeUnknown: ({ reason, store }) => ({
    code: "outcome-unknown",
    message: `cannot tell whether the change was made: ${store} was lost while it was being confirmed, and ${reason}`,
    hint: "d listPorts shows the current state"
  }),
  Unavailable: ({ fault, hint, reason, store }) => ({
    code: "unavailable",
    message: fault === "read-only" ? `${store} can only be read: ${reason}` : `cannot use ${store}: ${reason}`,
    hint
  })
}

/** Turns an error into the sentences that its reader gets. */
export const toCommandError = <T extends RegistryError["_tag"]>(error: ErrorOf<T>): CommandError =>
  errors[error._tag as T](error)
