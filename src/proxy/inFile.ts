import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import type { ProxyApplied } from "../domain/Proxy.ts"
import { filesOnDisk } from "../files/filesOnDisk.ts"
import { isProblem, refused } from "../files/problem.ts"
import { behindLinks, NotReplaceable, removeLeftOvers } from "../machine/replaceFile.ts"
import { tryRead } from "../machine/tryRead.ts"
import { shellWord } from "../text/shell.ts"
import { planned } from "./content.ts"
import { commandForFile, type Request } from "./request.ts"

/** Compares the file of a proxy with what it should be, and writes it. */

/** The mode of a file that is made: the proxies run as users of their own. */
const MODE = 0o644

const TRIES = 5

/** Returns the file as it is, and as it should be. */
export const planFile = ({ file, target }: Request, lines: ReadonlyArray<string>) => {
  const disk = filesOnDisk()
  const before = disk.read(file)
  const plan = planned(before, lines, target.isShared)
  if (isProblem(plan)) throw refused(file, plan)
  return { ...plan, before, write: () => disk.write([{ file, text: plan.text, mode: MODE, directories: [] }]) }
}

/** Refuses to replace what is another program's, or was edited. */
const checkAuthorship = (
  request: Request,
  replaces: ReturnType<typeof planFile>["replaces"],
  environment: Environment
): void => {
  if (replaces === "foreign")
    throw refused(request.file, {
      problem: "was not written by d proxy",
      hint: "choose another file with --file, or move this one away"
    })
  if (replaces === "edited" && !request.force)
    throw refused(request.file, {
      problem: "was edited since d proxy wrote it",
      hint: `${commandForFile("diff", request, environment)} shows the difference; to replace it, repeat with --force`
    })
}

const codeOf = (error: unknown): unknown =>
  error instanceof CommandFailed && error.cause instanceof Error && "code" in error.cause ? error.cause.code : undefined

/** Returns what went wrong; if only root may write the file, with the line that does it. */
const withRemedy = (error: unknown, request: Request, environment: Environment): unknown => {
  if (!(error instanceof CommandFailed) || !["EACCES", "EPERM"].includes(String(codeOf(error)))) return error
  const hint = `${commandForFile("diff", request, environment)} | sudo patch ${shellWord(request.file)}`
  return new CommandFailed({ ...error.error, hint })
}

const isChangedMeanwhile = (error: unknown): boolean =>
  error instanceof CommandFailed && error.cause instanceof NotReplaceable && error.cause.why === "has changed"

/** Brings the file up to date, or says what would become of it. */
export const applyFile = (
  request: Request,
  lines: ReadonlyArray<string>,
  environment: Environment,
  left = TRIES
): ProxyApplied["change"] => {
  const { before, replaces, text, write } = planFile(request, lines)
  if (before === text) {
    // Writing does so, too.
    if (!request.dryRun) tryRead(() => removeLeftOvers(behindLinks(request.file)), undefined)
    return "none"
  }
  checkAuthorship(request, replaces, environment)
  try {
    if (!request.dryRun) write()
  } catch (error) {
    if (left > 1 && isChangedMeanwhile(error)) return applyFile(request, lines, environment, left - 1)
    throw withRemedy(error, request, environment)
  }
  return before === undefined ? "made" : "changed"
}
