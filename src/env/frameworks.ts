import { readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { tryRead } from "../machine/tryRead.ts"
import { composeFile } from "./composeName.ts"

/** Tells if what a project is made with does not take its port from the file that was written. */

interface Framework {
  /** Its package, and its name. */
  readonly package: string
  readonly name: string
  /** The files that it takes PORT from, the first one first; none if it takes it from no file. */
  readonly files: ReadonlyArray<string>
  /** The command that gives it the port. */
  readonly start: string
}

/** docs/env.md has the table for users. What stands on another one comes before it. */
export const FRAMEWORKS: ReadonlyArray<Framework> = [
  { package: "next", name: "Next.js", files: [], start: "d run next dev" },
  { package: "astro", name: "Astro", files: [], start: "d run astro dev" },
  { package: "vite", name: "Vite", files: [], start: "d run vite" },
  {
    package: "react-scripts",
    name: "Create React App",
    files: [".env.development.local", ".env.local", ".env.development", ".env"],
    start: "d run react-scripts start"
  }
]

/** Returns the packages that the package.json of `directory` depends on. */
const dependenciesOf = (directory: string): ReadonlyArray<string> =>
  tryRead(() => {
    const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8").replace(/^\uFEFF/, ""))
    return ["dependencies", "devDependencies"].flatMap((field) => Object.keys(manifest[field] ?? {}))
  }, [])

/** Returns what to tell about `file`, if the project at `root` does not take its port from it. */
export const frameworkNote = (root: string, file: string): string | undefined => {
  const dependencies = dependenciesOf(root)
  const found = FRAMEWORKS.find((each) => dependencies.includes(each.package))
  if (found === undefined || found.files.includes(basename(file))) return undefined
  const { files, name, start } = found
  return files.length === 0
    ? `note: ${name} itself takes its port from no file; to start it on its port: ${start}`
    : `note: ${name} reads ${files.join(", ")}, and not ${basename(file)}`
}

/** Returns what to tell about `file` if docker compose does not read it. */
export const composeNote = (file: string): string | undefined => {
  if (basename(file) !== ".env") return `note: docker compose reads .env; this one needs --env-file ${basename(file)}`
  return composeFile(dirname(file)) === undefined
    ? "note: docker compose reads the .env beside its compose file, and none is here"
    : undefined
}
