"use strict"
// Loads the large part of the program with the code that V8 made of it in an earlier run. The code is kept in the user's
// cache directory, for the Node and the program that made it; deleting it costs nothing but time. Node's own
// module.enableCompileCache (22.1) keeps the code before it has run, without the functions that are compiled later: with
// it a start without a daemon took 4.0 times a bare one on Node 24, with this 2.7.
const fs = require("node:fs")
const { createRequire } = require("node:module")
const { basename, dirname, isAbsolute, join } = require("node:path")
const { Script } = require("node:vm")

const uid = process.getuid?.()

/** The owner of what is at `path`, `undefined` if there is nothing. */
const ownerOf = (path) => fs.statSync(path, { throwIfNoEntry: false })?.uid

/**
 * A directory that only this user can write to: code that is loaded from there is run. `undefined` if there is none.
 * With another user's HOME, as under sudo, nothing is made in it.
 */
const cacheDirectory = () => {
  const { HOME = "", XDG_CACHE_HOME = "" } = process.env
  const base = isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : isAbsolute(HOME) ? join(HOME, ".cache") : undefined
  try {
    if (base === undefined || (ownerOf(base) ?? ownerOf(dirname(base))) !== uid) return undefined
    const directory = join(base, "automatelinux/code")
    // One by one: with `recursive` it never returns below /proc.
    for (const path of [base, dirname(directory), directory]) if (!fs.existsSync(path)) fs.mkdirSync(path, 0o700)
    const isOurs = (path) => {
      const { mode, uid: owner } = fs.lstatSync(path)
      return owner === uid && (mode & 0o022) === 0
    }
    return isOurs(dirname(directory)) && isOurs(directory) ? directory : undefined
  } catch {
    return undefined
  }
}

const MONTH_MS = 30 * 86_400_000

/** Writes the whole file or nothing. Synced, because V8 does not notice if a part of it is missing after a crash. */
const writeFile = (path, data) => {
  const temporary = `${path}.${process.pid}`
  try {
    const file = fs.openSync(temporary, "wx", 0o600)
    try {
      fs.writeFileSync(file, data)
      fs.fsyncSync(file)
    } finally {
      fs.closeSync(file)
    }
    fs.renameSync(temporary, path)
    // Of other builds and other versions of Node; what is still used is made anew.
    for (const name of fs.readdirSync(dirname(path))) {
      const other = join(dirname(path), name)
      if (Date.now() - fs.statSync(other).mtimeMs > MONTH_MS) fs.rmSync(other)
    }
  } catch {
    fs.rmSync(temporary, { force: true })
  }
}

const read = (path, encoding) => {
  try {
    return fs.readFileSync(path, encoding)
  } catch {
    return undefined
  }
}

/** V8 rejects code that was made with other options, so each set of them has a file of its own. */
const options = Buffer.from(`${process.env.NODE_OPTIONS ?? ""}${process.execArgv}`)
  .toString("base64url")
  .slice(-64)

/** Runs the program in the file `path`, which is wrapped as Node wraps a CommonJS module, and returns its exports. */
const load = (path) => {
  const directory = cacheDirectory()
  // The name of the directory that the program lies in is a digest of the program.
  const name = [process.version, process.arch, basename(dirname(path)), options].filter(Boolean).join("-")
  const cachedData = directory === undefined ? undefined : read(join(directory, name))
  // The bundle is ASCII, and text of one byte per character is read at once.
  const script = new Script(fs.readFileSync(path, "latin1"), { filename: path, cachedData })
  if (directory !== undefined && (cachedData === undefined || script.cachedDataRejected))
    process.once("exit", () => writeFile(join(directory, name), script.createCachedData()))
  const module = { exports: {} }
  script.runInThisContext()(module.exports, createRequire(path), module, path, dirname(path))
  return module.exports
}

module.exports = { load }
