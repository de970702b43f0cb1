import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { tryRead } from "./tryRead.ts"

/** Returns PATH with the programs of the packages that are installed for `directory`, the nearest first, as npm does. */
export const pathWithPackages = (directory: string, path: string): string => {
  const found: Array<string> = []
  for (let current = directory; ; current = dirname(current)) {
    const programs = join(current, "node_modules/.bin")
    if (existsSync(programs)) found.push(programs)
    if (current === dirname(current)) return [...found, path].filter((part) => part !== "").join(delimiter)
  }
}

type Executable = { readonly _tag: "Found"; readonly path: string } | { readonly _tag: "NotFound" | "NotExecutable" }

const check = (path: string): Executable["_tag"] => {
  try {
    if (statSync(path).isDirectory()) return "NotExecutable"
    accessSync(path, constants.X_OK)
    return "Found"
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES" ? "NotExecutable" : "NotFound"
  }
}

/** Finds the program that `word` names, as a shell does: by its path, or in PATH. */
export const findExecutable = (word: string, path: string): Executable => {
  const candidates = word.includes("/") ? [word] : path.split(delimiter).map((part) => join(part || ".", word))
  let isBlocked = false
  for (const candidate of candidates) {
    const found = check(candidate)
    if (found === "Found") return { _tag: "Found", path: candidate }
    isBlocked ||= found === "NotExecutable"
  }
  return { _tag: isBlocked ? "NotExecutable" : "NotFound" }
}

/** The longest first line that Linux reads. */
const FIRST_LINE_MAX = 256

const beginningOf = (path: string): string => {
  const file = openSync(path, "r")
  try {
    const bytes = Buffer.alloc(FIRST_LINE_MAX)
    return bytes.toString("utf8", 0, readSync(file, bytes))
  } finally {
    closeSync(file)
  }
}

/** Returns the program that a script names after `#!`, if it is not there: the system then says that the script is not. */
export const missingInterpreter = (path: string): string | undefined => {
  const [, named] = /^#![ \t]*([^ \t\n]+)/.exec(tryRead(() => beginningOf(path), "")) ?? []
  return named === undefined || existsSync(named) ? undefined : named
}
