"use strict"
// Loads the part of the program that is large with the code that V8 made of it when it was built. Another version of
// Node, other flags or a cache that is not there cost nothing but time: then V8 reads the source, as it always did.
const { readFileSync } = require("node:fs")
const { createRequire } = require("node:module")
const { dirname } = require("node:path")
const { Script } = require("node:vm")

/** The cache that belongs to the program in the file `path`. */
const cacheOf = (path) => `${path}.cache`

const readCache = (path) => {
  try {
    return readFileSync(cacheOf(path))
  } catch {
    return undefined
  }
}

/** What the program in the file `path` exports, and the script that it is. */
const load = (path) => {
  // The bundle is ASCII, and text of one byte a character is read at once.
  const source = readFileSync(path, "latin1")
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: path,
    cachedData: readCache(path)
  })
  const module = { exports: {} }
  script.runInThisContext()(module.exports, createRequire(path), module, path, dirname(path))
  return { exports: module.exports, script }
}

module.exports = { cacheOf, load }
