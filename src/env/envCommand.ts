import { isAbsolute, resolve } from "node:path"
import { appOf } from "../domain/names.ts"
import { removeLeftOvers } from "../machine/replaceFile.ts"
import { Refusal } from "../run/siblings.ts"
import { asTyped, quote } from "../text/escape.ts"
import { withoutBlock } from "./block.ts"
import { Changed, readEnvFile, removeEnvFile, writeEnvFile } from "./envFile.ts"
import { composeNote, frameworkNote } from "./frameworks.ts"
import {
  type EnvMeans,
  type EnvRequest,
  formatOf,
  invalid,
  isGiven,
  plan,
  splitFile,
  tellDifferences,
  variables,
  written
} from "./plan.ts"

export { Refusal } from "../run/siblings.ts"

/** The document of `--json`, the lines for standard output, and the exit code. */
export interface EnvOutcome {
  readonly document: object
  readonly lines: ReadonlyArray<string>
  readonly exitCode: number
}

const TRIES = 5

/** Repeats `change` while the file is changed by another program at the same time. */
const retried = async <A>(given: string, change: () => Promise<A>): Promise<A> => {
  for (let left = TRIES; left > 0; left--) {
    try {
      return await change()
    } catch (error) {
      if (!(error instanceof Changed)) throw error
    }
  }
  throw new Refusal({ code: "unavailable", message: `${given} is being changed by another program`, hint: "try again" })
}

const outcome = (
  file: string,
  state: "absent" | "current" | "outdated" | "removed" | "written",
  line: string | undefined,
  exitCode = 0
): EnvOutcome => ({ document: { file, state }, lines: line === undefined ? [] : [line], exitCode })

const remove = (given: string, path: string, root: string): EnvOutcome => {
  const file = readEnvFile(path, root)
  const parts = splitFile(file)
  if (parts.block === undefined) return outcome(path, "absent", `${given} has no block of d env`)
  const text = withoutBlock(parts)
  if (text === undefined) removeEnvFile(file)
  else writeEnvFile(file, text)
  return outcome(path, "removed", text === undefined ? `removed ${given}` : `removed the block from ${given}`)
}

const check = async (request: EnvRequest, given: string, path: string, means: EnvMeans): Promise<EnvOutcome> => {
  const outdated = outcome(path, "outdated", `${given} is out of date`, 1)
  try {
    const planned = await plan(request, path, means)
    if (planned === undefined) return outcome(path, "absent", undefined)
    return planned.text === planned.file.text ? outcome(path, "current", `${given} is up to date`) : outdated
  } catch (error) {
    // What has no port is in no file.
    if (!(error instanceof Refusal) || error.error.code !== "not-set") throw error
    await means.tell(`note: ${error.error.message}`)
    return outdated
  }
}

const write = async (request: EnvRequest, given: string, path: string, means: EnvMeans): Promise<EnvOutcome> => {
  const planned = await plan(request, path, means)
  if (planned === undefined) return outcome(path, "absent", undefined)
  const { as, file, text } = planned
  const isCurrent = text === file.text
  // Writing does so, too.
  if (isCurrent) removeLeftOvers(file.path)
  else writeEnvFile(file, text)
  await tellDifferences(planned, given, means)
  const notes = [as === "compose" ? composeNote(path) : as === "dotenv" ? frameworkNote(means.root, path) : undefined]
  if (!isCurrent) await means.tell(...notes.flatMap((note) => note ?? []))
  return isCurrent ? outcome(path, "current", `${given} is up to date`) : outcome(path, "written", `wrote ${given}`)
}

/** Refuses options that do not go together. */
const checkOptions = (request: EnvRequest): void => {
  const needsFile = (["check", "remove", "ifPresent"] as const).find((name) => request[name] === true)
  if (request.write === undefined && needsFile !== undefined)
    throw new Refusal({
      code: "missing-argument",
      message: "Missing required arg: write",
      hint: `d env --write .env --${needsFile === "ifPresent" ? "if-present" : needsFile}`
    })
  if (request.write === "") throw invalid('write "" is empty: name a file', "d env --write .env")
  if (request.remove === true && (request.check === true || isGiven(request)))
    throw invalid("remove goes with no option but write", "d env --write FILE --remove")
  formatOf(request.format)
}

/** Returns the path of a file, as an absolute one. */
const pathOf = (given: string, means: EnvMeans): string => {
  if (isAbsolute(given)) return resolve(given)
  try {
    return resolve(means.directory(), given)
  } catch {
    throw invalid(
      `${quote(given)} is relative to the current directory, which no longer exists`,
      "change to another directory, or write an absolute path"
    )
  }
}

/** Prints the variables of an app's port, or keeps them in a file. Fails with a Refusal. */
export const env = async (request: EnvRequest, means: EnvMeans): Promise<EnvOutcome> => {
  checkOptions(request)
  if (request.write === undefined) {
    const found = await variables(request, means.root, means, true)
    const key = found["D_KEY"] ?? ""
    const document = { key, port: Number(found["PORT"]), app: appOf(key), variables: found }
    const lines = request.json === true ? [] : await written(found, formatOf(request.format), means)
    return { document, lines, exitCode: 0 }
  }
  const given = asTyped(request.write)
  const path = pathOf(request.write, means)
  if (request.remove === true) return retried(given, async () => remove(given, path, means.root))
  return request.check === true
    ? check(request, given, path, means)
    : retried(given, () => write(request, given, path, means))
}
