import { findCommand, usageHint } from "../commands/commands.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { RegistryError } from "../domain/errors.ts"
import type { Listener } from "../domain/Listener.ts"
import type { Note } from "../domain/Note.ts"
import { keyProblem } from "../domain/names.ts"
import { formatRange, type Obstacle } from "../domain/PortRange.ts"
import { age, describeListener, nameOf, names, showProcess } from "./describe.ts"
import { asTyped, quote } from "./escape.ts"

/** What takes the row of `key` away. What is no key `d` does not take, and a shell might act upon it. */
const removal = (key: string): string =>
  keyProblem(key) === undefined ? `d deletePort --key ${key}` : "see what d doctor --check value-invalid says"

const whyNot = (obstacle: Obstacle | undefined, by: Listener | undefined): string => {
  switch (obstacle?._tag) {
    case "Assigned":
      return `belongs to ${nameOf(obstacle.key)}`
    case "Reserved":
      return `is reserved: ${obstacle.reason}`
    default:
      return `is bound by ${describeListener(by ?? null)}`
  }
}

/** What helps where the system does not let this process bind a port. */
const hintForBind = (code: string): string => {
  switch (code) {
    case "EMFILE":
    case "ENFILE":
      return "look at the limits of this shell: ulimit -n"
    case "EACCES":
    case "EPERM":
    case "EAFNOSUPPORT":
      return "a sandbox forbids it: run d outside of it, or start d daemon outside and let its socket in"
    default:
      return "try again, or choose a port yourself: d setPort --key KEY --value PORT"
  }
}

/** A failure in the words of its reader. The only place where they are made. */
export const toCommandError = (error: RegistryError): CommandError => {
  switch (error._tag) {
    case "NotSet":
      return error.stored === undefined
        ? {
            code: "not-set",
            message: `Port not set for ${error.key}`,
            hint: "d listPorts shows what is set, d allocate claims a port"
          }
        : {
            code: "not-set",
            message: `Port not set for ${error.key}: its row holds ${quote(error.stored)}, which is no port`,
            hint: `d setPort --key ${error.key} --value PORT, or d deletePort --key ${error.key}`
          }
    case "NotFound":
      return {
        code: "not-found",
        message: `Port entry not found for ${error.key}`,
        hint: "d listPorts shows what is set"
      }
    case "NotReserved":
      return error.reason === undefined
        ? {
            code: "not-found",
            message: `${error.port} is not reserved`,
            hint: `d reserve --port ${error.port} --reason TEXT`
          }
        : {
            code: "not-found",
            message: `${error.port} was not reserved with d reserve; it is held back all the same: ${error.reason}`,
            hint: `AUTOMATELINUX_RESERVED_PORTS=-${error.port} takes it out`
          }
    case "PortHeld":
      return {
        code: "conflict",
        message: `${error.port} belongs to ${names(error.holders)}; ${error.key} was not set`,
        hint: `choose another, or ${removal(error.holders[0] ?? "")}, or repeat with --force to share it`
      }
    case "KeyTaken":
      return {
        code: "conflict",
        message: `${error.to} has a port already, ${asTyped(error.port)}; ${error.key} was not renamed`,
        hint: `d deletePort --key ${error.to} first, or choose another name`
      }
    case "KeyCollision":
      return {
        code: "conflict",
        message: `the table ${error.table} takes ${quote(error.key)} and ${quote(error.other)} for one key`,
        hint: "choose a name that differs by more than case, accents or spaces"
      }
    case "PairBlocked": {
      const partner = error.half === "prod" ? error.port + 1 : error.port - 1
      const why =
        error.obstacle === undefined
          ? `which is no place for ${error.half} in a pair of ${formatRange(error.range)}`
          : `and ${partner}, the other half of the pair, ${whyNot(error.obstacle, error.by)}`
      return {
        code: "conflict",
        message: `${error.app}-${error.half} has ${error.port}, ${why}`,
        hint: `d release --app ${error.app} && d allocate --app ${error.app}`
      }
    }
    case "RangeFull": {
      const { busy, claimed, reserved, slots, stale = 0 } = error.figures
      const noun = error.kind === "app" ? "pair" : "port"
      return {
        code: "range-full",
        message: `no free ${noun} for ${error.name} in ${formatRange(error.range)}: slots ${slots}, claimed ${claimed}, reserved ${reserved}, busy ${busy}, stale ${stale}`,
        hint: "d listPorts --health stale shows what may be released"
      }
    }
    case "Invalid":
      return { code: "invalid", message: `${error.argument} ${error.problem}`, hint: `d ${error.command} --help` }
    case "MissingArgument": {
      const command = findCommand(error.command)
      return {
        code: "missing-argument",
        message: `Missing required arg: ${error.argument}`,
        hint: command === undefined ? "d help" : usageHint(command)
      }
    }
    case "WrongConfig":
      return {
        code: "invalid",
        message: `${error.setting} ${error.problem}`,
        hint: "correct it, or take it away for the default"
      }
    case "CannotTry":
      return {
        code: "unavailable",
        message: `cannot find out whether ${error.port} is free on this machine: the system says ${error.code}`,
        hint: hintForBind(error.code)
      }
    case "NothingToAccept":
      return {
        code: "conflict",
        message: error.served
          ? `whose the listener on ${error.port} is cannot be seen; ${error.key} stays as it was`
          : `nothing listens on ${error.port}; ${error.key} stays as it was`,
        hint: error.served
          ? `${showProcess(error.port)} shows the process; d setPort --key ${error.key} --dir PATH says whose it is`
          : `start it first, or say where it lives: d setPort --key ${error.key} --dir PATH`
      }
    case "Overtaken":
      return {
        code: "outcome-unknown",
        message: "it was done once, and another change has taken part of it away since",
        hint: "d listPorts shows what is true; the same command again makes it anew"
      }
    case "CannotBackUp":
      return {
        code: error.exists ? "conflict" : "invalid",
        message: `cannot write ${error.file}: ${error.reason}`,
        hint: error.exists
          ? "choose another name, or move it away: a backup overwrites nothing"
          : "name a file in a directory that takes it: d backup FILE"
      }
    case "BackedUpElsewhere":
      return {
        code: "invalid",
        message: `${error.store} is backed up by the server's own program, not by d`,
        hint: error.command
      }
    case "TooLate":
      return { code: "unavailable", message: "the client has stopped waiting for that", hint: "ask again" }
    case "TookTooLong":
      return {
        code: "unavailable",
        message: `${error.what} did not end within ${error.seconds} s`,
        hint: "try again"
      }
    case "OutcomeUnknown":
      return {
        code: "outcome-unknown",
        message: `cannot tell whether it was done: ${error.store} was lost while it was being confirmed, and ${error.reason}`,
        hint: "d listPorts shows what is true"
      }
    case "Unavailable":
      return { code: "unavailable", message: `cannot use ${error.store}: ${error.reason}`, hint: error.hint }
  }
}

/** A note as the line that standard error gets. */
export const noteLine = (note: Note): string => {
  switch (note._tag) {
    case "Skipped":
      return `skipped ${note.port}: ${describeListener(note.by)}`
    case "OddPair":
      return `note: ${note.app} keeps ${note.prod} and ${note.dev} as stored, which is no pair of ${formatRange(note.range)}`
    case "NotDescribed":
      return `note: nothing was newly claimed, so the description was not set: d setPort --key ${note.key} --description TEXT`
    case "NothingHeld":
      return `note: ${note.name} has no port, nothing to give back`
    case "OutOfRange":
      return `warning: ${note.port} lies outside ${formatRange(note.range)}, the range for ${note.key}`
    case "WrongParity":
      return `warning: ${note.port} is ${note.port % 2 === 0 ? "even" : "odd"}, and ${note.kind} has the ${note.kind === "prod" ? "even" : "odd"} port of a pair`
    case "Shared":
      return `warning: ${note.port} belongs to ${names(note.holders)} too`
    case "Reserved":
      return `warning: ${note.port} is reserved: ${note.reason}`
    case "InUse":
      return `warning: ${note.port} is in use by ${describeListener(note.by)}`
    case "StaysHeld":
      return `warning: ${names(note.holders)} keeps ${note.port}: reserving holds it back from allocation alone`
    case "StillReserved":
      return `note: ${note.port} stays reserved all the same: ${note.reason}`
    case "OldHealth":
      return `note: health is ${age(note.seconds)} old: no daemon looks at the ports; d daemon starts one`
    case "HealthAhead":
      return `note: how old the health is cannot be told: it was stored at ${note.at}, by a clock that was ahead; d daemon looks again`
    case "NotMended":
      return `warning: not mended: ${note.why}`
    case "NoPort":
      return `warning: the row of ${nameOf(note.key)} holds ${quote(note.stored)}, which is no port: ${removal(note.key)}`
  }
}
