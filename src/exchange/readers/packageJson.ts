import type { Incoming, IncomingOwner } from "../../domain/Exchange.ts"
import { doubtAboutCommand, portsInCommand } from "../portInCommand.ts"
import { type Content, isObject, linesOfJson, parseJson, type Source, textIn, Unreadable } from "../Source.ts"

const packageIn = (source: Source) => {
  const value = parseJson(source)
  const scripts = isObject(value) ? value["scripts"] : undefined
  return isObject(value) && isObject(scripts) ? { name: textIn(value, "name"), scripts } : undefined
}

/** Whether it is a package.json with scripts. */
export const isPackage = (source: Source): boolean => packageIn(source) !== undefined

/** Reads the ports in the scripts of a package.json. A key is the package's name and the script's. */
export const readPackage = (source: Source): Content => {
  const found = packageIn(source)
  if (found === undefined) throw new Unreadable('has no "scripts": is it a package.json?')
  const lineAt = linesOfJson(source)
  const name = found.name?.replace(/^@/, "").replaceAll("/", "-")
  const assignments: Array<Incoming> = []
  const owners: Array<IncomingOwner> = []
  const doubts: Array<string> = []
  for (const [script, command] of Object.entries(found.scripts)) {
    const line = lineAt(["scripts", script])
    const ports = portsInCommand(typeof command === "string" ? command : "")
    const doubt = doubtAboutCommand(ports)
    if (doubt !== undefined) doubts.push(`line ${line}: ${script}: ${doubt}`)
    const [port] = ports.ports
    if (port === undefined) continue
    const word = script.replaceAll(":", "-")
    const key = name === undefined ? word : `${name}-${word}`
    assignments.push({ key, port, line })
    if (source.directory !== null) owners.push({ key, kind: "directory", name: source.directory })
  }
  return { assignments, owners, doubts }
}
