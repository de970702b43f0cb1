import { basename } from "node:path"
import type { Incoming, IncomingOwner } from "../../domain/Exchange.ts"
import { type Content, isObject, type Source, textIn, Unreadable } from "../Source.ts"
import { parseYaml } from "../yaml.ts"

const allocationsIn = (source: Source) => {
  const yaml = parseYaml(source)
  const allocations = isObject(yaml?.value) ? yaml.value["allocations"] : undefined
  return yaml !== undefined && isObject(allocations) ? { allocations, lineAt: yaml.lineAt } : undefined
}

/** Whether it is the allocations.yaml of port-selector. */
export const isPortSelector = (source: Source): boolean => {
  const found = allocationsIn(source)
  return found !== undefined && Object.values(found.allocations).every((each) => isObject(each) && "directory" in each)
}

/** The name of a directory's only allocation. */
const MAIN = "main"

/** Reads the allocations of port-selector: a directory for each port, which is named by its folder. */
export const readPortSelector = (source: Source): Content => {
  const found = allocationsIn(source)
  if (found === undefined) throw new Unreadable('has no "allocations": is it the allocations.yaml of port-selector?')
  const assignments: Array<Incoming> = []
  const owners: Array<IncomingOwner> = []
  const doubts: Array<string> = []
  for (const [port, allocation] of Object.entries(found.allocations)) {
    if (!isObject(allocation)) continue
    const directory = textIn(allocation, "directory") ?? ""
    const line = found.lineAt(["allocations", Number(port)])
    if (!directory.startsWith("/")) {
      doubts.push(`line ${line}: ${port} was left out: port-selector does not know what it belongs to`)
      continue
    }
    const name = textIn(allocation, "name") ?? MAIN
    const key = `${basename(directory)}-${name === MAIN ? "dev" : name}`
    assignments.push({ key, port, line })
    owners.push({ key, kind: "directory", name: directory })
  }
  return { assignments, owners, doubts }
}
