import { resolve } from "node:path"
import { DIRECTORY_GONE, noDirectory } from "../cli/here.ts"
import { type Project, projectOf } from "../project/project.ts"
import { PortsError } from "./PortsError.ts"

/** Resolves `path` against the current directory. */
export const absolute = (path: string): string => {
  try {
    return resolve(path)
  } catch {
    throw new PortsError(DIRECTORY_GONE)
  }
}

/** Returns the project of `directory`, by default of the current one. */
export const projectIn = (directory = "."): Project => {
  const path = absolute(directory)
  try {
    return projectOf(path)
  } catch (cause) {
    throw new PortsError(noDirectory(path), { cause })
  }
}
