import type { IMPORT_FORMATS } from "../commands/exchange.ts"
import { isDocument } from "./document.ts"
import { isCompose, readCompose } from "./readers/compose.ts"
import { isConsul, readConsul } from "./readers/consul.ts"
import { isCsv, readCsv } from "./readers/csv.ts"
import { isDevports, readDevports } from "./readers/devports.ts"
import { isDotenv, readDotenv } from "./readers/dotenv.ts"
import { readJson } from "./readers/json.ts"
import { isMarkdown, readMarkdown } from "./readers/markdown.ts"
import { isOutport, readOutport } from "./readers/outport.ts"
import { isPackage, readPackage } from "./readers/packageJson.ts"
import { isPortless, readPortless } from "./readers/portless.ts"
import { isPortSelector, readPortSelector } from "./readers/portSelector.ts"
import { isProcfile, readProcfile } from "./readers/procfile.ts"
import { type Content, parseJson, type Source } from "./Source.ts"

type Format = (typeof IMPORT_FORMATS)[number]

interface Reader {
  /** File names that say what a file is, whatever its content. */
  readonly names?: RegExp
  /** Whether the content looks like it. */
  readonly recognizes: (source: Source) => boolean
  readonly read: (source: Source) => Content
}

/** The readers, in the order in which they are tried: what is surest first. */
const READERS: Readonly<Record<Format, Reader>> = {
  json: { recognizes: (source) => isDocument(parseJson(source)), read: readJson },
  outport: { recognizes: isOutport, read: readOutport },
  portless: { recognizes: isPortless, read: readPortless },
  devports: { recognizes: isDevports, read: readDevports },
  consul: { recognizes: isConsul, read: readConsul },
  package: { names: /^package\.json$/, recognizes: isPackage, read: readPackage },
  markdown: { names: /\.(md|markdown)$/i, recognizes: isMarkdown, read: readMarkdown },
  csv: { names: /\.(csv|tsv)$/i, recognizes: isCsv, read: readCsv },
  env: { names: /^\.env(\..*)?$|\.env$/, recognizes: isDotenv, read: readDotenv },
  procfile: { names: /^Procfile(\..*)?$/, recognizes: isProcfile, read: readProcfile },
  "port-selector": { recognizes: isPortSelector, read: readPortSelector },
  compose: { names: /^(docker-)?compose.*\.ya?ml$/, recognizes: isCompose, read: readCompose }
}

/** Returns the format of a file, by its name or else by its content; undefined if it is none of them. */
export const formatOf = (source: Source): Format | undefined => {
  const formats = Object.keys(READERS).filter((each): each is Format => each in READERS)
  return (
    formats.find((format) => READERS[format].names?.test(source.name)) ??
    formats.find((format) => READERS[format].recognizes(source))
  )
}

/** Reads a file. Throws Unreadable. */
export const readAs = (format: Format, source: Source): Content => READERS[format].read(source)
