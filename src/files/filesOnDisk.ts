import { chmodSync } from "node:fs"
import { CommandFailed } from "../domain/CommandFailed.ts"
import { type Draft, draft, type FoundFile, findFile, removeEmpty } from "../machine/replaceFile.ts"
import { asTyped } from "../text/escape.ts"
import { cannot } from "./problem.ts"

/** The user's files, on the disk or as they would be. */
export interface Files {
  /** Returns the text of a file; undefined if there is none. */
  readonly read: (file: string) => string | undefined
  /** Writes all of these, or none. */
  readonly write: (changes: ReadonlyArray<Change>) => void
}

export interface Change {
  readonly file: string
  /** Undefined if the file goes. */
  readonly text: string | undefined
  /** The mode of a file that is made. */
  readonly mode: number
  /** Directories that go with it if they are empty, the lowest first. */
  readonly directories: ReadonlyArray<string>
}

/** Returns the text of a file; undefined if there is none. */
const textOf = (file: string, { bytes }: FoundFile): string | undefined => {
  if (bytes === undefined) return undefined
  const text = bytes.toString("utf8")
  if (Buffer.from(text).equals(bytes)) return text
  throw new CommandFailed({
    code: "conflict",
    message: `${asTyped(file)} is not text in UTF-8`,
    hint: "convert it, and run this again"
  })
}

const find = (file: string): FoundFile => {
  try {
    return findFile(file)
  } catch (error) {
    throw cannot("read", file, error)
  }
}

/** Puts back what a file was before. */
const restore = (file: string, { bytes, stats }: FoundFile): void => {
  const mode = stats === undefined ? 0 : stats.mode & 0o7777
  const now = findFile(file)
  draft(now, bytes, mode).commit()
  // The umask has taken from the mode of a file that was removed.
  if (bytes !== undefined && now.bytes === undefined) chmodSync(now.path, mode)
}

/** The files on the disk. What was read is what is replaced: a change that another program makes in between is not lost. */
export const filesOnDisk = (): Files => {
  const found = new Map<string, FoundFile>()
  const foundAt = (file: string): FoundFile => {
    const known = found.get(file) ?? find(file)
    found.set(file, known)
    return known
  }
  return {
    read: (file) => textOf(file, foundAt(file)),
    write: (changes) => {
      const drafts: Array<Draft> = []
      const done: Array<Change> = []
      let at = ""
      try {
        for (const { file, mode, text } of changes) {
          at = file
          drafts.push(draft(foundAt(file), text, mode))
        }
        for (const [index, change] of changes.entries()) {
          at = change.file
          drafts[index]?.commit()
          done.push(change)
        }
      } catch (error) {
        for (const change of done.reverse()) restore(change.file, foundAt(change.file))
        for (const each of drafts) each.discard()
        throw cannot("write", at, error)
      }
      for (const { directories, file, text } of changes) {
        found.delete(file)
        if (text === undefined) removeEmpty(directories)
      }
    }
  }
}

/** The files as they would be: nothing is written. */
export const filesInMind = (): Files => {
  const disk = filesOnDisk()
  const texts = new Map<string, string | undefined>()
  return {
    read: (file) => (texts.has(file) ? texts.get(file) : disk.read(file)),
    write: (changes) => {
      for (const { file, text } of changes) texts.set(file, text)
    }
  }
}
