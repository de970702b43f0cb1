import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { PortsConfig } from "../config/Config.ts"
import type { CommandResult } from "../domain/CommandResult.ts"
import type { Environment } from "../domain/Environment.ts"
import { type RegistryError, TookTooLong } from "../domain/errors.ts"
import {
  CHECK_NAMES,
  type CheckName,
  type Examination,
  type Finding,
  fix,
  isAtLeast,
  type Severity,
  worstFirst
} from "../domain/Finding.ts"
import { type IgnoredTarget, readable } from "../domain/Ignored.ts"
import type { Note } from "../domain/Note.ts"
import type { PortKey } from "../domain/PortKey.ts"
import { Listeners } from "../machine/Listeners.ts"
import { Store } from "../store/Store.ts"
import { toCommandError } from "../text/errors.ts"
import { checks } from "./checks/checks.ts"
import type { DoctorContext, Draft } from "./DoctorContext.ts"
import { explain } from "./explain.ts"
import { accept, applySafeFixes } from "./fixes.ts"
import { ignore, unignore, withoutIgnored } from "./ignoring.ts"
import { makeContext } from "./makeContext.ts"
import { withFixes } from "./plan.ts"

interface ExamineRequest {
  /** Run only this check. */
  readonly check?: CheckName | undefined
  /** Apply the safe fixes first. */
  readonly fix: boolean
  /** Make the process that listens on this key's port its owner first. */
  readonly accept?: PortKey | undefined
  readonly strict: boolean
  /** Ignore findings from now on, or no longer; first of all. */
  readonly ignore?: { readonly target: IgnoredTarget; readonly reason: string } | undefined
  readonly unignore?: IgnoredTarget | undefined
  /** Report only findings that are at least this severe. */
  readonly severity?: Severity | undefined
  /** The client's version. */
  readonly version: string
}

/** The time limit of a check, in addition to that for the database. */
const LIMIT = Duration.seconds(5)

/** A check and its findings. */
interface Checked {
  readonly name: CheckName
  readonly findings: ReadonlyArray<Draft>
  /** Why it could not be run. */
  readonly failure?: RegistryError | "bug"
}

/** Finds what is wrong on this machine, with the evidence and a fix. If the database is away, that is what is wrong. */
export class Doctor extends Effect.Service<Doctor>()("Doctor", {
  effect: Effect.gen(function* () {
    const settings = yield* PortsConfig
    const machine = yield* Listeners
    const store = yield* Store
    const limit = Duration.sum(Duration.millis(settings.databaseTimeout.stalled), LIMIT)

    const check = (context: DoctorContext, name: CheckName): Effect.Effect<Checked> =>
      checks[name](context).pipe(
        Effect.timeoutFail({
          duration: limit,
          onTimeout: () => new TookTooLong({ what: name, seconds: Duration.toSeconds(limit) })
        }),
        Effect.map((drafts): Checked => ({ name, findings: drafts.map((draft) => ({ check: name, ...draft })) })),
        Effect.catchAll((failure) => Effect.succeed<Checked>({ name, findings: [], failure })),
        Effect.catchAllCause((cause) =>
          Effect.as(Effect.logError(`the check ${name} met a bug`, cause), {
            name,
            findings: [],
            failure: "bug"
          } as const)
        )
      )

    const examine = Effect.fn("Doctor.examine")(function* (request: ExamineRequest, environment: Environment) {
      const fresh = makeContext({ settings, machine, store, environment, version: request.version })
      const mended: Array<string> = []
      const notes: Array<Note> = []
      if (request.ignore !== undefined)
        notes.push(yield* ignore(yield* fresh, request.ignore.target, request.ignore.reason))
      if (request.unignore !== undefined) notes.push(yield* unignore(yield* fresh, request.unignore))
      if (request.accept !== undefined) mended.push(...(yield* accept(yield* fresh, request.accept)))
      if (request.fix) {
        const { done, failed } = yield* applySafeFixes(yield* fresh)
        mended.push(...done)
        notes.push(
          ...failed.map((error): Note => {
            const { hint, message } = toCommandError(error)
            return { _tag: "NotFixed", why: hint === undefined ? message : `${message}; ${hint}` }
          })
        )
      }
      const context = yield* fresh
      const names = request.check === undefined ? CHECK_NAMES : [request.check]
      const [checked, view] = yield* Effect.all(
        [
          Effect.forEach(names, (name) => check(context, name), { concurrency: "unbounded" }),
          context.view.pipe(Effect.timeout(limit), Effect.option)
        ],
        { concurrency: "unbounded" }
      )
      const rules = Option.match(view, { onNone: () => [], onSome: ({ ignored }) => readable(ignored) })
      const said = checked.flatMap(({ findings }) => findings)
      const databaseDown = said.some(
        (each) => ["store-reachable", "store-schema"].includes(each.check) && each.severity === "error"
      )
      const drafts = [...said, ...checked.flatMap((each) => skippedCheck(each, databaseDown))].sort(worstFirst)
      const { ignored, kept } = withoutIgnored(
        drafts,
        rules.filter((rule) => names.includes(rule.check))
      )
      const severe = kept.filter((each) => isAtLeast(each.severity, request.severity ?? "info"))
      const findings = yield* withFixes(context, severe)
      const matters = (each: Finding) => request.strict || each.severity !== "info"
      const result = {
        healthy: !findings.some(matters),
        checkedAt: new Date(context.now).toISOString(),
        store: store.label,
        looked: {
          assignments: Option.match(view, { onNone: () => null, onSome: ({ ports }) => ports.size }),
          listeners: [...(yield* context.listeners).values()].flat().length
        },
        mended,
        findings,
        omitted: kept.length - severe.length,
        ignored,
        ran: checked.filter(({ failure }) => failure === undefined).map(({ name }) => name),
        failed: checked.filter(({ failure }) => failure !== undefined).map(({ name }) => name)
      } satisfies Examination
      return { result, notes } satisfies CommandResult<Examination>
    })

    /** Explains a port, or the port of a key. */
    const explainPort = Effect.fn("Doctor.explain")(function* (
      about: { readonly key: PortKey } | { readonly port: number },
      environment: Environment,
      version: string
    ) {
      const context = yield* makeContext({ settings, machine, store, environment, version })
      return yield* explain(context, about, (focused, names) =>
        Effect.map(
          Effect.forEach(names, (name) => check(focused, name), { concurrency: "unbounded" }),
          (checked) => checked.flatMap(({ findings }) => findings)
        )
      )
    })

    return { examine, explain: explainPort }
  })
}) {}

/** A check that could not be run is itself a finding, unless this system or the state of the database explains it. */
const skippedCheck = ({ failure, name }: Checked, databaseDown: boolean): ReadonlyArray<Finding> => {
  if (failure === undefined) return []
  if (failure !== "bug" && (failure._tag === "NoListenerTable" || (failure._tag === "Unavailable" && databaseDown)))
    return []
  return [
    {
      check: name,
      severity: "warning",
      keys: [],
      ports: [],
      message: `${name} could not be checked`,
      evidence: failure === "bug" ? "this is a bug in d; the log has the details" : toCommandError(failure).message,
      ...fix(`d doctor --check ${name}`, "tries again")
    }
  ]
}
