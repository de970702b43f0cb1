import { statSync } from "node:fs"
import { dirname } from "node:path"
import { behindLinks, type FoundFile, findFile, NotReplaceable, replace } from "../machine/replaceFile.ts"
import { rootOf } from "../project/project.ts"
import { Refusal } from "../run/siblings.ts"
import { quote } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import { leavesProject } from "./links.ts"

/** Reads an environment file, and replaces it as a whole. */

export interface EnvFile extends FoundFile {
  readonly text: string
  /** Latin-1 keeps the bytes of a file that is not UTF-8. */
  readonly encoding: "utf8" | "latin1"
}

/** The file has been changed since it was read. */
export class Changed extends Error {}

const refuse = (message: string, hint: string): Refusal => new Refusal({ code: "invalid", message, hint })

const WHY: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "it is mounted on its own",
  EDQUOT: "the disk quota is exceeded",
  ELOOP: "its links lead in a circle",
  ENOSPC: "the disk is full",
  EPERM: "the system does not permit it",
  EROFS: "the file system is read-only"
}

/** Turns an error of the system about `given`, which is `path` behind its links, into a refusal. */
const cannot = (verb: string, given: string, error: unknown, path = given): unknown => {
  if (error instanceof NotReplaceable) return notReplaceable(path, error)
  if (!(error instanceof Error && "code" in error)) return error
  const code = String(error.code)
  const directory = dirname(path)
  const failed = `cannot ${verb} ${quote(given)}`
  if (code === "ENOENT")
    return refuse(`${failed}: there is no directory ${quote(directory)}`, `make it: mkdir -p ${shellWord(directory)}`)
  const check = `check: ls -ld ${shellWord(directory)}`
  if (code === "ENOTDIR") return refuse(`${failed}: ${quote(directory)} is not a directory`, check)
  return new Refusal({
    code: "unavailable",
    message: `${failed}: ${WHY[code] ?? `the system says ${code}`}`,
    hint: check
  })
}

/** Says why a file cannot be replaced. */
const notReplaceable = (path: string, { why }: NotReplaceable): Error => {
  if (why === "has changed") return new Changed()
  return why === "not a regular file"
    ? refuse(`${quote(path)} is not a regular file`, "name another file: d env --write .env")
    : refuse(
        `${quote(path)} has ${statSync(path).nlink} names (hard links), which would no longer be one file`,
        `give it content of its own: cp -p ${shellWord(path)} ${shellWord(`${path}.new`)} && mv ${shellWord(`${path}.new`)} ${shellWord(path)}`
      )
}

/** Refuses a link out of the project, whose root is `root`: two worktrees would write their ports over each other's. */
const refuseForeign = (given: string, path: string, root: string): void => {
  const theirs = rootOf(dirname(path))
  if (theirs === undefined || theirs === root || !leavesProject(given)) return
  throw refuse(
    `${quote(given)} is a link to ${quote(path)}, which belongs to another directory: ${theirs}`,
    "give this directory a file of its own: remove the link, and repeat"
  )
}

/** Reads the file that is `given`, as an absolute path, for the project at `root`. It need not exist, but its directory must. */
export const readEnvFile = (given: string, root: string): EnvFile => {
  let path = given
  try {
    path = behindLinks(given)
    statSync(dirname(path))
    refuseForeign(given, path, root)
    const found = findFile(path)
    const { bytes } = found
    if (bytes === undefined) return { ...found, text: "", encoding: "utf8" }
    if (bytes.includes(0))
      throw refuse(`${quote(path)} is not a text file, or is UTF-16`, "name another file, or convert it to UTF-8")
    const encoding = Buffer.from(bytes.toString("utf8")).equals(bytes) ? "utf8" : "latin1"
    return { ...found, text: bytes.toString(encoding), encoding }
  } catch (error) {
    throw cannot("read", given, error, path)
  }
}

/** The mode of a file that is made, but for what the user's umask takes away. */
const MODE = 0o666

/**
 * Replaces the content of `file` at once: whoever reads it gets the old one or the new one. Fails with `Changed` if it is no
 * longer what was read.
 */
export const writeEnvFile = (file: EnvFile, text: string): void => {
  try {
    replace(file, Buffer.from(text, file.encoding), MODE)
  } catch (error) {
    throw cannot("write", file.path, error)
  }
}

/** Removes the file. */
export const removeEnvFile = (file: EnvFile): void => {
  try {
    replace(file, undefined, MODE)
  } catch (error) {
    throw cannot("remove", file.path, error)
  }
}
