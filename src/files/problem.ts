import { lstatSync } from "node:fs"
import { dirname } from "node:path"
import { CommandFailed } from "../domain/CommandFailed.ts"
import { NotReplaceable } from "../machine/replaceFile.ts"
import { tryRead } from "../machine/tryRead.ts"
import { asTyped } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"

/** A reason for which the content of a file is not changed; `hint` says what to do. */
export interface Problem {
  readonly problem: string
  readonly hint: string
}

export const isProblem = (value: object | string | undefined): value is Problem =>
  typeof value === "object" && "problem" in value

/** Fails because of the content of `file`. */
export const refused = (file: string, { hint, problem }: Problem, cause?: unknown): CommandFailed =>
  new CommandFailed({ code: "conflict", message: `${asTyped(file)} ${problem}`, hint }, cause)

const WHY: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "it is mounted on its own",
  EDQUOT: "the disk quota is exceeded",
  EFTYPE: "it is not a regular file",
  EISDIR: "it is a directory",
  ELOOP: "its links lead in a circle",
  EMLINK: "it has several hard links",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of its path is no directory",
  EPERM: "the system does not permit it",
  EROFS: "the file system is read-only"
}

/** Returns the part of a path that exists, or is no directory: the rest cannot be listed. */
const existing = (file: string): string => {
  let at = file
  while (at !== dirname(at) && tryRead(() => lstatSync(at), undefined) === undefined) at = dirname(at)
  return at
}

/** Turns an error of the system into a failure. */
export const cannot = (verb: string, file: string, error: unknown): unknown => {
  const listing = `ls -ld ${shellWord(existing(file))}`
  if (error instanceof NotReplaceable)
    return error.why === "has changed"
      ? refused(file, { problem: "was changed by another program at the same moment", hint: "try again" }, error)
      : refused(file, {
          problem:
            error.why === "has hard links" ? "has hard links, which a change would break" : "is not a regular file",
          hint: listing
        })
  if (!(error instanceof Error && "code" in error)) return error
  const code = String(error.code)
  const message = `cannot ${verb} ${asTyped(file)}: ${WHY[code] ?? `the system says ${code}`}`
  return new CommandFailed({ code: "unavailable", message, hint: listing }, error)
}
