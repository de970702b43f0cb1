import { basename } from "node:path"
import type { Incoming } from "../../domain/Exchange.ts"
import { doubtAboutCommand, portsInCommand } from "../portInCommand.ts"
import { type Content, type Source, Unreadable } from "../Source.ts"

const LINE = /^([A-Za-z0-9_-]+):\s*(\S.*)$/

const linesOf = ({ text }: Source) =>
  text.split(/\r\n?|\n/).map((content, at) => ({ content: content.trim(), line: at + 1 }))

const isContent = ({ content }: { readonly content: string }): boolean => content !== "" && !content.startsWith("#")

/** Whether every line is a process and its command, as in a Procfile. */
export const isProcfile = (source: Source): boolean => {
  const lines = linesOf(source).filter(isContent)
  return lines.length > 0 && lines.every(({ content }) => LINE.test(content))
}

/** Reads a Procfile: the keys are its processes, after the name of its directory. */
export const readProcfile = (source: Source): Content => {
  const folder = source.directory === null ? undefined : basename(source.directory)
  const assignments: Array<Incoming> = []
  const doubts: Array<string> = []
  for (const { content, line } of linesOf(source).filter(isContent)) {
    const [, name, command = ""] = LINE.exec(content) ?? []
    if (name === undefined) throw new Unreadable(`line ${line}: is not a process and its command, as in a Procfile`)
    const found = portsInCommand(command)
    const doubt = doubtAboutCommand(found)
    if (doubt !== undefined) doubts.push(`line ${line}: ${name}: ${doubt}`)
    const [port] = found.ports
    if (port !== undefined) assignments.push({ key: folder ? `${folder}-${name}` : name, port, line })
  }
  return { assignments, doubts }
}
