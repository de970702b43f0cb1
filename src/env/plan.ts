import { dirname } from "node:path"
import { parseEnv } from "node:util"
import type { Results } from "../commands/Results.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { appOf } from "../domain/names.ts"
import { must, Refusal, readEnv, type SiblingMeans } from "../run/siblings.ts"
import { quote } from "../text/escape.ts"
import { ownNames, type Split, split, withBlock } from "./block.ts"
import { composeName } from "./composeName.ts"
import { type EnvFile, readEnvFile } from "./envFile.ts"
import { FORMATS, type Format, format, type Variables } from "./formats.ts"
import { readValue, variablesIn } from "./lines.ts"
import { COMPOSE_PROJECT_NAME, variablesOf } from "./variables.ts"

/** The arguments of `d env`. */
export interface EnvRequest extends Written {
  readonly write?: string
  readonly check?: boolean
  readonly remove?: boolean
  readonly ifPresent?: boolean
  /** Whether the document is printed, and not the lines. */
  readonly json?: boolean
}

/** The arguments that a block is written with. */
interface Written {
  readonly key?: string
  readonly app?: string
  readonly mode?: string
  readonly format?: string
  readonly env?: ReadonlyArray<string>
  readonly noDir?: boolean
}

/** What `d env` needs of the client. */
export interface EnvMeans extends SiblingMeans {
  /** Returns the current directory, or throws if it no longer exists. */
  readonly directory: () => string
  /** The root of the project. */
  readonly root: string
  /** Returns the arguments that name the directory's app, for `claim` and `url`. */
  readonly named: (
    request: Readonly<Record<"key" | "app" | "mode", string | undefined>>
  ) => Promise<{ readonly payload: Readonly<Record<string, unknown>> } | CommandError>
  /** Reads the options of a block. */
  readonly parse: (words: ReadonlyArray<string>) => { readonly payload: Written } | CommandError
}

export const invalid = (message: string, hint: string): Refusal => new Refusal({ code: "invalid", message, hint })

export const formatOf = (given: string | undefined): Format => {
  const found = FORMATS.find((each) => each === (given ?? "dotenv"))
  if (found === undefined)
    throw invalid(`format ${quote(given)} is none: write one of ${FORMATS.join(", ")}`, "d env --help")
  return found
}

const WRITTEN = ["key", "app", "mode", "format", "env"] as const

export const isGiven = (request: Written): boolean => WRITTEN.some((name) => request[name] !== undefined)

/** Returns the options to repeat a request with. */
const optionsOf = ({ env = [], noDir, ...rest }: Written): ReadonlyArray<string> => [
  ...WRITTEN.flatMap((name) => (name === "env" || rest[name] === undefined ? [] : [`--${name}=${rest[name]}`])),
  ...env.map((entry) => `--env=${entry}`),
  ...(noDir === true ? ["--no-dir"] : [])
]

/** Returns what has a port: by a claim, or if nothing may change, as it is. */
const heldBy = async (request: EnvRequest, means: EnvMeans): Promise<Pick<Results["claim"], "key" | "port">> => {
  const { app, check, key, mode, noDir } = request
  const named = await means.named({ app, key, mode })
  if ("code" in named) throw new Refusal(named)
  return check === true
    ? must(await means.ask("url", named.payload), means)
    : must(await means.ask("claim", { ...named.payload, noDir }), means)
}

/** Returns the variables of a request, for the compose project in `directory`. */
export const variables = async (
  request: EnvRequest,
  directory: string,
  means: EnvMeans,
  told: boolean
): Promise<Variables> => {
  // Before anything is claimed.
  for (const entry of request.env ?? []) readEnv(entry, means.command, [])
  const held = await heldBy(request, means)
  const found = await variablesOf(held, means.root, request.env ?? [], means)
  if (formatOf(request.format) !== "compose") return found
  const { isShared, name } = composeName(directory, appOf(held.key) ?? held.key)
  if (isShared && told)
    await means.tell(
      "note: the compose file names its project, so that all worktrees share its containers; without name: in it, each has its own"
    )
  return name === undefined ? found : { ...found, [COMPOSE_PROJECT_NAME]: name }
}

/** Writes variables in the format of a request, and tells what it has no form for. */
export const written = async (found: Variables, as: Format, means: EnvMeans): Promise<ReadonlyArray<string>> => {
  const { left, lines } = format(found, as)
  if (left.length > 0)
    await means.tell(`note: ${left.join(", ")} is left out: ${as} has no quotes for ${quote(found[left[0] ?? ""])}`)
  return lines
}

/** Splits a file at its block, or fails with the line of a damaged mark. */
export const splitFile = ({ path, text }: EnvFile): Split => {
  const found = split(text)
  if ("problem" in found)
    throw invalid(
      `${quote(path)}, line ${found.line}: ${found.problem}`,
      "remove the lines from # >>> d env to # <<< d env <<<, or mend the marks, and repeat"
    )
  return found
}

/** Returns the request with the options of the block, unless it has its own. */
const asBefore = (request: EnvRequest, { block }: Split, { path }: EnvFile, means: EnvMeans): EnvRequest => {
  if (block === undefined || isGiven(request)) return request
  const before = means.parse(block.options)
  const wrong =
    "code" in before
      ? before.message
      : Object.keys(before.payload)
          .filter((name) => ![...WRITTEN, "noDir"].includes(name))
          .map((name) => `${name} does not belong there`)[0]
  if ("code" in before || wrong !== undefined)
    throw invalid(
      `${quote(path)}: the first line of the block has wrong options: ${wrong}`,
      "correct that line, or give the options: d env --write FILE --format dotenv"
    )
  return { ...request, ...before.payload }
}

/** What a file is, and is to be. */
export interface Plan {
  readonly file: EnvFile
  readonly text: string
  readonly found: Variables
  readonly as: Format
}

/** Tells if a reader gets another value than the one in the block: by other rules for quotes, or by a later line of a script. */
export const tellDifferences = async (
  { as, file: { encoding }, found, text }: Plan,
  given: string,
  means: EnvMeans
): Promise<void> => {
  const last = new Map(variablesIn(text).map((each) => [each.name, each]))
  const byNode: Readonly<Record<string, string | undefined>> = parseEnv(text)
  const wrong = Object.entries(found).filter(([name, value]) => {
    const read = last.get(name)
    if (read === undefined) return false
    if (as === "shell") return variablesIn(text).filter((each) => each.name === name).length > 1
    const expected = Buffer.from(value).toString(encoding)
    return readValue(read) !== expected || byNode[name] !== expected
  })
  const names = wrong.map(([name]) => name).join(", ")
  if (names === "") return
  await means.tell(
    as === "shell"
      ? `warning: ${given} also sets ${names} outside of the block; the last line counts`
      : `warning: some readers take another value of ${names} from ${given}, because of quotes before or after the block`
  )
}

/** Decides what becomes of a file. Undefined if it has no block and is to get none. */
export const plan = async (request: EnvRequest, path: string, means: EnvMeans): Promise<Plan | undefined> => {
  const first = readEnvFile(path, means.root)
  const before = splitFile(first)
  if (request.ifPresent === true && before.block === undefined) return undefined
  const wanted = asBefore(request, before, first, means)
  const as = formatOf(wanted.format)
  if (as === "json" || as === "github")
    throw invalid(
      `format ${as} is not kept in a file`,
      `d env --format ${as} > FILE${as === "github" ? ", as in >> $GITHUB_ENV" : ""}`
    )
  const all = await variables(wanted, dirname(first.path), means, request.check !== true)
  // Read again: the registry may have taken its time.
  const file = readEnvFile(path, means.root)
  const parts = splitFile(file)
  // The user's own name of the compose project stays, and so do the volumes that bear it.
  const { [COMPOSE_PROJECT_NAME]: name, ...others } = all
  const found = name === undefined || ownNames(parts).has(COMPOSE_PROJECT_NAME) ? others : all
  const lines = (await written(found, as, means)).map((line) => Buffer.from(line).toString(file.encoding))
  const replaced = new Set(as === "shell" ? [] : Object.keys(found))
  const text = withBlock(parts, { lines, options: optionsOf(wanted), replaced }, file.stats === undefined)
  return { file, text, found, as }
}
