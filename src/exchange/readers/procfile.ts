import { basename } from "node:path"
import type { Incoming } from "../../domain/Exchange.ts"
import { doubtAboutCommand, portsInCommand } from "../portInCommand.ts"
import { type Content, contentLines, type Source, Unreadable } from "../Source.ts"

const LINE = /^([A-Za-z0-9_-]+):\s*(\S.*)$/

/** Whether every line is a process and its command, as in a Procfile. */
export const isProcfile = (source: Source): boolean => {
  const lines = contentLines(source)
  return lines.length > 0 && lines.every(({ content }) => LINE.test(content))
}

/** Reads a Procfile: the keys are its processes, after the name of its directory. */
export const readProcfile = (source: Source): Content => {
  const folder = source.directory === null ? undefined : basename(source.directory)
  const assignments: Array<Incoming> = []
  const doubts: Array<string> = []
  for (const { content, line } of contentLines(source)) {
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
