// The licences of the packages whose code is in dist: they ask to come with it.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const DIRECTORY = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/

/** Returns the licences of the packages that the bundled `files` are from. Packages with the same text share it. */
export const licensesOf = (files) => {
  const directories = new Set(files.flatMap((path) => DIRECTORY.exec(path) ?? []))
  const sharing = new Map()
  for (const directory of [...directories].sort()) {
    const { license, name, version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))
    const file = readdirSync(directory).find((each) => /^licen[cs]e/i.test(each))
    if (file === undefined) throw new Error(`${directory} has no text of its licence`)
    const text = readFileSync(join(directory, file), "utf8").trim()
    sharing.set(text, [...(sharing.get(text) ?? []), `${name} ${version} (${license})`])
  }
  return [...sharing].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`).join(`\n${"-".repeat(80)}\n\n`)
}
