import type { Answer } from "../commands/Answer.ts"
import { IMPORT_FORMATS } from "../commands/exchange.ts"
import type { Results } from "../commands/Results.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { type Found, type IncomingRegistry, ON_CONFLICT } from "../domain/Exchange.ts"
import { quote } from "../text/escape.ts"
import {
  foundNotes,
  foundTable,
  foundText,
  importedText,
  importNotes,
  refusalError,
  refusalLines
} from "../text/exchangeText.ts"
import type { Printed } from "../text/printed.ts"
import type { Style } from "../text/terminalStyle.ts"
import { documentOf } from "./document.ts"
import { readInput } from "./input.ts"
import { formatOf, readAs } from "./readers.ts"
import { type Content, type Source, Unreadable } from "./Source.ts"

/** What `d import` was asked for. */
export interface ImportRequest {
  readonly file?: string | undefined
  readonly from?: string | undefined
  readonly onConflict?: string | undefined
  readonly range?: string | undefined
  readonly scan: boolean
  readonly yes: boolean
  readonly dryRun: boolean
  readonly json: boolean
}

export interface Means {
  readonly ask: (payload: Readonly<Record<string, unknown>>) => Promise<Answer<"import">>
  /** Writes lines to standard error. */
  readonly tell: (...lines: ReadonlyArray<string>) => Promise<void>
  readonly style: Style
  /** Lets a person choose some of a list, by position; undefined if nobody is there. */
  readonly choose:
    | ((
        question: string,
        choices: ReadonlyArray<{ title: string; description: string; selected: boolean }>
      ) => Promise<ReadonlyArray<number> | undefined>)
    | undefined
}

/** The result to print, or the error. `failure` is an error beside a result that `--json` shows. */
export type ImportOutcome =
  | {
      readonly result: Results["import"]
      readonly text: Printed
      readonly failure?: CommandError
      /** Whether the user cancelled. */
      readonly isLeft?: boolean
    }
  | CommandError

const invalid = (message: string, hint: string): CommandError => ({ code: "invalid", message, hint })

/** Returns the first option that does not go with the others. */
const wrongOption = ({ file, from, onConflict, range, scan, yes }: ImportRequest): CommandError | undefined => {
  const alone = (option: string, other: string) =>
    invalid(`--${option} does not go with ${other}`, "d import FILE, or d import --scan")
  if (scan) {
    if (file !== undefined) return alone("scan", "a file")
    if (from !== undefined) return alone("from", "--scan")
    return onConflict === undefined ? undefined : alone("on-conflict", "--scan")
  }
  if (file === undefined)
    return {
      code: "missing-argument",
      message: "Missing required arg: FILE",
      hint: "d import FILE, or d import --scan"
    }
  if (onConflict !== undefined && !ON_CONFLICT.some((each) => each === onConflict))
    return invalid(
      `on-conflict ${quote(onConflict)} is not ${ON_CONFLICT.join(", ")}`,
      `--on-conflict ${ON_CONFLICT.join("|")}`
    )
  if (range !== undefined) return alone("range", "a file")
  return yes ? alone("yes", "a file") : undefined
}

/** Reads a file in the format that is named, or the one that it is recognized by. */
const contentOf = (source: Source, from: string | undefined): Content | CommandError => {
  const named = IMPORT_FORMATS.find((each) => each === from)
  const all = IMPORT_FORMATS.join(", ")
  if (from !== undefined && named === undefined) return invalid(`from ${quote(from)} is not a format`, `one of ${all}`)
  const format = named ?? formatOf(source)
  const name = quote(source.name)
  if (format === undefined) return invalid(`cannot tell the format of ${name}`, `--from FORMAT, which is one of ${all}`)
  try {
    return readAs(format, source)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    const hint = named === undefined ? `it was read as ${format}: --from FORMAT reads it as another` : "d import --help"
    return invalid(`${name} ${error.problem}`, hint)
  }
}

/** Imports what was read or chosen, and says what came of it. */
const importAll = async (
  incoming: IncomingRegistry,
  { dryRun, json, onConflict }: ImportRequest,
  { ask, style, tell }: Means,
  found: ReadonlyArray<Found> | null
): Promise<ImportOutcome> => {
  const answer = await ask({
    document: documentOf(incoming),
    dryRun,
    ...(onConflict === undefined ? {} : { onConflict })
  })
  if (!answer.ok) return answer.error
  const result = { ...answer.result, found }
  const text = importedText(answer.result, style)
  if (result.refused.length > 0 && result.onConflict !== "skip") {
    if (!json) await tell(...refusalLines(result.refused))
    return { result, text, failure: refusalError(result) }
  }
  await tell(...answer.notes)
  if (!json) await tell(...importNotes(result))
  return { result, text }
}

const importFile = async (request: ImportRequest, means: Means): Promise<ImportOutcome> => {
  const source = readInput(request.file ?? "-")
  if ("code" in source) return source
  const content = contentOf(source, request.from)
  if ("code" in content) return content
  const { assignments, doubts = [], ignored = [], owners = [], reservations = [] } = content
  await means.tell(...doubts.map((doubt) => `note: ${doubt}`))
  if (assignments.length + ignored.length + owners.length + reservations.length === 0 && doubts.length > 0)
    return invalid(`${quote(source.name)} has no ports to import`, "d import --help lists what is read")
  return importAll({ assignments, owners, reservations, ignored }, request, means, null)
}

/** Returns what registers findings under the keys that were proposed. */
const registering = (found: ReadonlyArray<Found>): IncomingRegistry => {
  const keyed = found.flatMap(({ key, ...rest }) => (key === null ? [] : [{ key, ...rest }]))
  return {
    assignments: keyed.map(({ key, port }) => ({ key, port })),
    owners: keyed.flatMap(({ key, owner }) => (owner === null ? [] : [{ key, ...owner }])),
    reservations: [],
    ignored: []
  }
}

const scan = async (request: ImportRequest, means: Means): Promise<ImportOutcome> => {
  const { choose, style, tell } = means
  const { dryRun, json, range, yes } = request
  const answer = await means.ask({ scan: true, dryRun, ...(range === undefined ? {} : { range }) })
  if (!answer.ok) return answer.error
  await tell(...answer.notes)
  const found = answer.result.found ?? []
  const proposed = found.filter(({ key }) => key !== null)
  if (yes && proposed.length > 0) return importAll(registering(proposed), request, means, found)
  const shown: ImportOutcome = { result: answer.result, text: foundTable(found, style) }
  if (yes || json || dryRun || choose === undefined || proposed.length === 0) {
    if (!json) await tell(...foundNotes(found))
    return shown
  }
  const choices = proposed.map((each) => ({
    title: `${each.port} ${each.key}`,
    description: foundText(each),
    selected: true
  }))
  const chosen = await choose("Which of them do you want to register?", choices)
  const some = proposed.filter((_, at) => chosen?.includes(at))
  if (some.length > 0) return importAll(registering(some), request, means, found)
  await tell("note: nothing was registered")
  const isLeft = chosen === undefined
  return { ...shown, text: importedText({ ...answer.result, found: [] }, style), isLeft }
}

/** Adds the ports in a file to the registry, or those that are in use and were chosen. */
export const runImport = async (request: ImportRequest, means: Means): Promise<ImportOutcome> =>
  wrongOption(request) ?? (request.scan ? scan(request, means) : importFile(request, means))
