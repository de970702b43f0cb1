import { randomBytes } from "node:crypto"
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { giveToOwner } from "../machine/directory.ts"
import { tryRead } from "../machine/tryRead.ts"
import { rootOf } from "../project/project.ts"
import { Refusal } from "../run/siblings.ts"
import { quote } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import { behindLinks, isCode, leavesProject } from "./links.ts"

/** Reads an environment file, and replaces it as a whole. */

export interface EnvFile {
  /** The file itself, behind all links. */
  readonly path: string
  readonly text: string
  /** Latin-1 keeps the bytes of a file that is not UTF-8. */
  readonly encoding: "utf8" | "latin1"
  /** Undefined if there is no such file yet. */
  readonly stats: Stats | undefined
}

/** The file has been changed since it was read. */
export class Changed extends Error {}

const refuse = (message: string, hint: string): Refusal => new Refusal({ code: "invalid", message, hint })

const WHY: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "it is mounted on its own",
  EDQUOT: "the disk quota is exceeded",
  ELOOP: "its links lead in a circle",
  ENOENT: "its directory does not exist",
  ENOSPC: "the disk is full",
  ENOTDIR: "its directory is none",
  EPERM: "the system does not permit it",
  EROFS: "the file system is read-only"
}

/** Turns an error of the system into a refusal. */
const cannot = (verb: string, path: string, error: unknown): unknown => {
  if (!(error instanceof Error && "code" in error)) return error
  const code = String(error.code)
  const message = `cannot ${verb} ${quote(path)}: ${WHY[code] ?? `the system says ${code}`}`
  const directory = shellWord(dirname(path))
  const hint = code === "ENOENT" ? `make it: mkdir -p ${directory}` : `check: ls -ld ${directory}`
  return new Refusal({ code: "unavailable", message, hint })
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

const checkKind = (path: string, stats: Stats): void => {
  if (!stats.isFile()) throw refuse(`${quote(path)} is not a regular file`, "name another file: d env --write .env")
  if (stats.nlink > 1)
    throw refuse(
      `${quote(path)} has ${stats.nlink} names (hard links), which would no longer be one file`,
      `give it content of its own: cp -p ${shellWord(path)} ${shellWord(`${path}.new`)} && mv ${shellWord(`${path}.new`)} ${shellWord(path)}`
    )
}

/** Reads the file that is `given`, as an absolute path, for the project at `root`. It need not exist. */
export const readEnvFile = (given: string, root: string): EnvFile => {
  try {
    const path = behindLinks(given)
    refuseForeign(given, path, root)
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats === undefined) return { path, text: "", encoding: "utf8", stats }
    checkKind(path, stats)
    const bytes = readFileSync(path)
    if (bytes.includes(0))
      throw refuse(`${quote(path)} is not a text file, or is UTF-16`, "name another file, or convert it to UTF-8")
    const encoding = Buffer.from(bytes.toString("utf8")).equals(bytes) ? "utf8" : "latin1"
    return { path, text: bytes.toString(encoding), encoding, stats }
  } catch (error) {
    throw cannot("read", given, error)
  }
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return !isCode(error, "ESRCH")
  }
}

/** Removes what earlier writers of `path` have left that were killed. */
const removeLeftOvers = (path: string): void => {
  const directory = dirname(path)
  for (const name of tryRead(() => readdirSync(directory), [])) {
    const [, pid] = name.startsWith(`${basename(path)}.d-`) ? (/\.d-(\d+)-[0-9a-f]{8}\.tmp$/.exec(name) ?? []) : []
    if (pid === undefined || isRunning(Number(pid))) continue
    tryRead(() => unlinkSync(join(directory, name)), undefined)
  }
}

/** Fails if the file is no longer the one that was read. */
const checkUnchanged = ({ path, stats }: EnvFile): void => {
  const now = statSync(path, { throwIfNoEntry: false })
  const isSame =
    now?.ino === stats?.ino &&
    now?.mtimeMs === stats?.mtimeMs &&
    now?.ctimeMs === stats?.ctimeMs &&
    now?.size === stats?.size
  if (!isSame) throw new Changed()
}

/** Gives a new file the owner and the mode of the one that it replaces. */
const keepOwner = (descriptor: number, path: string, stats: Stats | undefined): void => {
  if (stats === undefined) {
    giveToOwner(path, descriptor)
    return
  }
  const made = fstatSync(descriptor)
  if (made.uid !== stats.uid || made.gid !== stats.gid) fchownSync(descriptor, stats.uid, stats.gid)
  fchmodSync(descriptor, stats.mode & 0o7777)
}

/** Makes sure that a rename survives a power cut, where the system offers that. */
const syncDirectory = (directory: string): void =>
  tryRead(() => {
    const descriptor = openSync(directory, "r")
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }, undefined)

/**
 * Replaces the content of `file` at once: whoever reads it gets the old one or the new one. Fails with `Changed` if it is no
 * longer what was read.
 */
export const writeEnvFile = (file: EnvFile, text: string): void => {
  const { encoding, path, stats } = file
  const temporary = `${path}.d-${process.pid}-${randomBytes(4).toString("hex")}.tmp`
  try {
    // A file that is only to be read stays, even though a rename would replace it.
    if (stats !== undefined) accessSync(path, constants.W_OK)
    removeLeftOvers(path)
    const descriptor = openSync(temporary, "wx", stats === undefined ? 0o666 : 0o600)
    try {
      writeFileSync(descriptor, text, encoding)
      keepOwner(descriptor, path, stats)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    checkUnchanged(file)
    renameSync(temporary, path)
    syncDirectory(dirname(path))
  } catch (error) {
    tryRead(() => unlinkSync(temporary), undefined)
    throw cannot("write", path, error)
  }
}

/** Removes the file. */
export const removeEnvFile = (file: EnvFile): void => {
  try {
    checkUnchanged(file)
    unlinkSync(file.path)
    removeLeftOvers(file.path)
  } catch (error) {
    throw cannot("remove", file.path, error)
  }
}
