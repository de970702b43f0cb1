import { realpathSync } from "node:fs"
import { join } from "node:path"
import { tryRead } from "./tryRead.ts"

/** The Node and the file that run this d, by paths that stay. */
export interface OwnProgram {
  readonly node: string
  readonly script: string
}

/** Where Node stays when it is upgraded. */
const STABLE = ["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin"]

/** Returns `path` without links; as it is if it cannot be read. */
export const real = (path: string): string => tryRead(() => realpathSync(path), path)

/** Returns the paths of a Node and of the file that it runs, which work from any directory and with any PATH. */
export const stablePaths = (node: string, script: string): OwnProgram => ({
  node: STABLE.map((directory) => join(directory, "node")).find((path) => real(path) === real(node)) ?? node,
  script: real(script)
})

/** Whether npm may remove a file of this d at any time, because npx has put it into its cache. */
export const isInNpxCache = (path: string): boolean => path.includes("/_npx/")
