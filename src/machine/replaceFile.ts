import { randomBytes } from "node:crypto"
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync
} from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { giveToOwner, makeDirectory } from "./directory.ts"
import { isRunning } from "./processes.ts"
import { tryRead } from "./tryRead.ts"

/** Replaces a file of the user's as a whole: whoever reads it gets the old content or the new one. */

/** A file as it was read. */
export interface FoundFile {
  /** The file itself, behind all links. */
  readonly path: string
  /** Undefined if there is no such file. */
  readonly bytes: Buffer | undefined
  readonly stats: Stats | undefined
}

/** The file cannot be replaced without changing more than its content. */
export class NotReplaceable extends Error {
  readonly why: "not a regular file" | "has hard links" | "has changed"
  constructor(why: NotReplaceable["why"]) {
    super(why)
    this.why = why
  }
}

const LINKS_MAX = 40

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT"

/** Follows links, also to what does not exist yet. */
export const behindLinks = (path: string, left = LINKS_MAX): string => {
  try {
    return realpathSync(path)
  } catch (error) {
    if (!isMissing(error) || left === 0 || dirname(path) === path) throw error
    const directory = behindLinks(dirname(path), left - 1)
    const target = tryRead(() => readlinkSync(path), undefined)
    return target === undefined ? join(directory, basename(path)) : behindLinks(resolve(directory, target), left - 1)
  }
}

/** Reads the file at `given`, which need not exist. Throws the system's error, or `NotReplaceable`. */
export const findFile = (given: string): FoundFile => {
  const path = behindLinks(given)
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return { path, bytes: undefined, stats }
  if (!stats.isFile()) throw new NotReplaceable("not a regular file")
  if (stats.nlink > 1) throw new NotReplaceable("has hard links")
  return { path, bytes: readFileSync(path), stats }
}

/** Fails if the file is no longer the one that was read. */
const checkUnchanged = ({ path, stats }: FoundFile): void => {
  const now = statSync(path, { throwIfNoEntry: false })
  const isSame =
    now?.ino === stats?.ino &&
    now?.mtimeMs === stats?.mtimeMs &&
    now?.ctimeMs === stats?.ctimeMs &&
    now?.size === stats?.size
  if (!isSame) throw new NotReplaceable("has changed")
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

/** Returns `directory`, and those above it, as far as they do not exist: the lowest first. */
const missingFrom = (directory: string): ReadonlyArray<string> =>
  existsSync(directory) ? [] : [directory, ...missingFrom(dirname(directory))]

/** Removes those of `directories` that are empty, in this order, up to the first that is not. */
export const removeEmpty = (directories: ReadonlyArray<string>): void =>
  tryRead(() => {
    for (const directory of directories) rmdirSync(directory)
  }, undefined)

/** Removes what earlier writers of `path` have left that were killed. */
export const removeLeftOvers = (path: string): void => {
  const directory = dirname(path)
  for (const name of tryRead(() => readdirSync(directory), [])) {
    const [, pid] = name.startsWith(`${basename(path)}.d-`) ? (/\.d-(\d+)-[0-9a-f]{8}\.tmp$/.exec(name) ?? []) : []
    if (pid === undefined || isRunning(Number(pid))) continue
    tryRead(() => unlinkSync(join(directory, name)), undefined)
  }
}

/** Makes sure that a rename survives a power cut, if the system offers that. */
const syncDirectory = (directory: string): void =>
  tryRead(() => {
    const descriptor = openSync(directory, "r")
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }, undefined)

/** A new content that is written beside a file, and not in force yet. */
export interface Draft {
  /** Puts it in force. Throws the system's error, or `NotReplaceable` if the file has changed since it was read. */
  readonly commit: () => void
  /** Removes it, before it is in force. */
  readonly discard: () => void
}

const MODE_OF_DIRECTORIES = 0o755

const draftOfNothing = (file: FoundFile): Draft => {
  accessSync(dirname(file.path), constants.W_OK)
  return {
    commit: () => {
      checkUnchanged(file)
      unlinkSync(file.path)
      removeLeftOvers(file.path)
    },
    discard: () => {}
  }
}

/**
 * Writes `content` beside a file, or prepares to remove it if `content` is undefined. A file that does not exist gets `mode`;
 * one that does keeps its mode and its owner. Throws the system's error.
 */
export const draft = (file: FoundFile, content: string | Buffer | undefined, mode: number): Draft => {
  if (content === undefined) return draftOfNothing(file)
  const { path, stats } = file
  const directory = dirname(path)
  const temporary = `${path}.d-${process.pid}-${randomBytes(4).toString("hex")}.tmp`
  const missing = missingFrom(directory)
  const discard = () => {
    tryRead(() => unlinkSync(temporary), undefined)
    removeEmpty(missing)
  }
  try {
    // A file that is only to be read stays, even though a rename would replace it.
    if (stats !== undefined) accessSync(path, constants.W_OK)
    makeDirectory(directory, MODE_OF_DIRECTORIES)
    removeLeftOvers(path)
    const descriptor = openSync(temporary, "wx", stats === undefined ? mode : 0o600)
    try {
      writeFileSync(descriptor, content)
      keepOwner(descriptor, path, stats)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    discard()
    throw error
  }
  return {
    commit: () => {
      checkUnchanged(file)
      renameSync(temporary, path)
      syncDirectory(directory)
    },
    discard
  }
}

/** Replaces the content of a file at once, or removes it if `content` is undefined. Throws as `draft` and `commit` do. */
export const replace = (file: FoundFile, content: string | Buffer | undefined, mode: number): void => {
  const { commit, discard } = draft(file, content, mode)
  try {
    commit()
  } catch (error) {
    discard()
    throw error
  }
}
