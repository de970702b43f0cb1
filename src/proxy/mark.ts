import { createHash } from "node:crypto"

/** Signs the lines that `d` writes, so that it can tell later whether a person has edited them. */

const MADE = "# Written by d. To bring this up to date: "
const CHECKSUM = "# If the lines below are edited, d keeps them. Their checksum: "

const checksumOf = (lines: ReadonlyArray<string>): string =>
  createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 16)

/** Returns `lines` with a signature before them, which names the command that writes them. */
export const signed = (lines: ReadonlyArray<string>, command: string): ReadonlyArray<string> => [
  MADE + command,
  CHECKSUM + checksumOf(lines),
  ...lines
]

/** Who wrote the lines: `d`, and they are as it wrote them; `d`, and they were edited since; or another program. */
export type Authorship = "ours" | "edited" | "foreign"

export const authorshipOf = ([made = "", checksum = "", ...lines]: ReadonlyArray<string>): Authorship =>
  !made.startsWith(MADE) ? "foreign" : checksum === CHECKSUM + checksumOf(lines) ? "ours" : "edited"
