import { isUtf8 } from "node:buffer"
import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import { basename, dirname } from "node:path"
import type { CommandError } from "../domain/CommandError.ts"
import { pauseSync } from "../machine/pause.ts"
import { quote } from "../text/escape.ts"
import type { Source } from "./Source.ts"

/** The largest file that is read, in bytes: a registry of 50,000 keys. */
const SIZE_MAX = 16 * 2 ** 20
const CHUNK = 65_536

const STDIN = 0

/** What the system says, by its code. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "it is a directory",
  ELOOP: "too many symbolic links",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  ENXIO: "it is a socket, or a device that is not there"
}

const invalid = (message: string, hint: string): CommandError => ({ code: "invalid", message, hint })

/** Reads everything from a descriptor, but no more than one byte beyond the limit. */
const readUpTo = (descriptor: number, limit: number): Buffer => {
  const chunks: Array<Buffer> = []
  for (let size = 0; size <= limit; ) {
    const chunk = Buffer.alloc(CHUNK)
    let count: number
    try {
      count = readSync(descriptor, chunk)
    } catch (error) {
      // Another program made the pipe non-blocking, and has not written yet.
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error
      pauseSync(10)
      continue
    }
    if (count === 0) break
    chunks.push(chunk.subarray(0, count))
    size += count
  }
  return Buffer.concat(chunks)
}

const bytesOf = (path: string): Buffer => {
  if (path === "-") return readUpTo(STDIN, SIZE_MAX)
  const descriptor = openSync(path, "r")
  try {
    // More than this is refused anyhow; less may grow while it is read.
    return fstatSync(descriptor).size > SIZE_MAX ? Buffer.alloc(SIZE_MAX + 1) : readUpTo(descriptor, SIZE_MAX)
  } finally {
    closeSync(descriptor)
  }
}

/** Returns what is wrong with the bytes of a file; undefined if they are text. */
const problemOf = (bytes: Buffer): readonly [problem: string, hint: string] | undefined => {
  if (bytes.length > SIZE_MAX) return ["is larger than 16 MiB", "split it, and import the parts one by one"]
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  if (isUtf16) return ["is UTF-16", "save it as UTF-8"]
  if (bytes.includes(0)) return ["is not a text file", "d import --help lists what is read"]
  if (!isUtf8(bytes)) return ["is not UTF-8", "save it as UTF-8"]
  return undefined
}

/** Reads a file that is to be imported, or standard input. */
export const readInput = (path: string): Source | CommandError => {
  const name = path === "-" ? "standard input" : basename(path)
  const shown = path === "-" ? name : quote(path)
  let bytes: Buffer
  try {
    bytes = bytesOf(path)
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : ""
    return invalid(
      `cannot read ${shown}: ${REASONS[code] ?? `the system says ${code}`}`,
      "d import FILE, or d import -"
    )
  }
  const problem = problemOf(bytes)
  if (problem !== undefined) return invalid(`${shown} ${problem[0]}`, problem[1])
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "")
  if (text.trim() === "") return invalid(`${shown} is empty`, "d import --help lists what is read")
  return { name, directory: path === "-" ? null : dirname(path), text }
}
