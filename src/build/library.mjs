// Builds the library, in dist/library: each entry as CommonJS, an ES module that exports the same, and the declarations
// of both. With an ES module of its own, a program that uses both would have two classes of errors.
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, relative } from "node:path"
import { bundleEntry, ENTRIES } from "./bundle.mjs"

const LIBRARY = "dist/library"
const require = createRequire(import.meta.url)

/** Returns the text of an ES module that exports what the CommonJS module `name` does. */
const moduleOf = (name) => {
  const path = require.resolve(`../../${LIBRARY}/${name}.cjs`)
  const names = Object.keys(require(path)).join(", ")
  return `import library from "./${name}.cjs"\nexport const { ${names} } = library\n`
}

const IMPORT = /(from|import\()(\s*["'])(\.[^"']+)\.ts(["'])/g

/** Adds the declarations at `path` and all that they import to `found`: the path of each, and its text. */
const collect = (path, found) => {
  if (found.has(path)) return found
  const text = readFileSync(path, "utf8")
  found.set(path, text.replaceAll(IMPORT, "$1$2$3.js$4"))
  for (const [, , , from] of text.matchAll(IMPORT)) collect(join(dirname(path), `${from}.d.ts`), found)
  return found
}

/**
 * Writes the declarations of the library, and of what they use of other rooms. The same text declares the ES modules and the
 * CommonJS modules: which of them it is depends on the nearest package.json.
 */
const writeTypes = (replaceFile) => {
  const made = `dist/types.${process.pid}`
  try {
    execFileSync("node_modules/.bin/tsc", ["-p", "src/build/tsconfig.json", "--outDir", made], { stdio: "inherit" })
    const found = new Map()
    for (const name of ENTRIES) collect(join(made, `src/library/${name}.d.ts`), found)
    for (const kind of ["esm", "cjs"])
      for (const [path, text] of found) {
        const target = join(LIBRARY, kind, relative(join(made, "src"), path))
        mkdirSync(dirname(target), { recursive: true })
        replaceFile(target, text)
      }
    replaceFile(join(LIBRARY, "cjs/package.json"), '{ "type": "commonjs" }\n')
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}

/**
 * Builds the library. `loader` is the text that loads the parts of the program, which it needs without a daemon. Returns the
 * files that it contains.
 */
export const buildLibrary = async (replaceFile, loader) => {
  mkdirSync(LIBRARY, { recursive: true })
  replaceFile(`${LIBRARY}/parts.cjs`, `${loader}\nmodule.exports = { load }\n`)
  const files = []
  const write = async (path, bundled) => {
    const { files: contained, text } = await bundled
    replaceFile(`${LIBRARY}/${path}`, text)
    files.push(...contained)
  }
  for (const name of [...ENTRIES, "sync"]) await write(`${name}.cjs`, bundleEntry(name))
  for (const name of ENTRIES.filter((each) => each !== "effect")) replaceFile(`${LIBRARY}/${name}.mjs`, moduleOf(name))
  // A program that imports effect has it as ES modules, which are others than those that are required.
  await write("effect.mjs", bundleEntry("effect", "esm"))
  writeTypes(replaceFile)
  return files
}
