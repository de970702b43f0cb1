import type { Incoming, IncomingOwner } from "../../domain/Exchange.ts"
import { type Content, isObject, linesOfJson, parseJson, portOf, type Source, textIn, Unreadable } from "../Source.ts"

/** The instance of a project that is no worktree. */
const MAIN = "main"

const projectsIn = (source: Source) => {
  const value = parseJson(source)
  const projects = isObject(value) ? value["projects"] : undefined
  return isObject(projects) ? projects : undefined
}

/** Whether it is the registry.json of outport. */
export const isOutport = (source: Source): boolean => {
  const projects = projectsIn(source)
  return projects !== undefined && Object.values(projects).every((each) => isObject(each) && isObject(each["ports"]))
}

/** Reads the registry of outport: ports by service, for each instance of each project. */
export const readOutport = (source: Source): Content => {
  const projects = projectsIn(source)
  if (projects === undefined) throw new Unreadable('has no "projects": is it the registry.json of outport?')
  const lineAt = linesOfJson(source)
  const assignments: Array<Incoming> = []
  const owners: Array<IncomingOwner> = []
  for (const [id, project] of Object.entries(projects)) {
    if (!isObject(project) || !isObject(project["ports"])) continue
    const [name = "", instance = MAIN] = id.split("/")
    const app = instance === MAIN ? name : `${name}.${instance}`
    const directory = textIn(project, "project_dir")
    for (const [service, port] of Object.entries(project["ports"])) {
      const key = `${app}-${service}`
      assignments.push({ key, port: portOf(port), line: lineAt(["projects", id, "ports", service]) })
      if (directory?.startsWith("/")) owners.push({ key, kind: "directory", name: directory })
    }
  }
  return { assignments, owners }
}
