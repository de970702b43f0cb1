"use strict"
// Loads the large part of the program with V8's code cache of an earlier run. The cache is in the user's cache
// directory, one file per version of Node and of the program; deleting it only costs time. Node's own
// module.enableCompileCache (22.1) stores the code before it has run, without the functions that are compiled later:
// with it a start without a daemon took 4.0 times as long as bare Node on Node 24, with this 2.7 times.
const fs = require("node:fs")
const { createRequire } = require("node:module")
const { basename, dirname, isAbsolute, join } = require("node:path")
const { Script } = require("node:vm")

const uid = process.getuid?.()

/** Returns the owner of `path`; `undefined` if it does not exist. */
const ownerOf = (path) => fs.statSync(path, { throwIfNoEntry: false })?.uid

/**
 * Returns a directory that only this user can write to, because the code in it is executed; `undefined` if there is
 * none. Creates nothing in another user's HOME, as under sudo.
 */
const cacheDirectory = () => {
  const { HOME = "", XDG_CACHE_HOME = "" } = process.env
  const base = isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : isAbsolute(HOME) ? join(HOME, ".cache") : undefined
  try {
    if (base === undefined || (ownerOf(base) ?? ownerOf(dirname(base))) !== uid) return undefined
    const directory = join(base, "automatelinux/code")
    // Not with `recursive`, which never returns below /proc.
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

/** Writes the whole file or nothing. Synced, because V8 does not detect that a part is missing after a crash. */
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
    // Remove old caches, of other builds and versions of Node. One that is still used is created again.
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

/** V8 rejects code that was compiled with other options, so each set of options has its own file. */
const options = Buffer.from(`${process.env.NODE_OPTIONS ?? ""}${process.execArgv}`)
  .toString("base64url")
  .slice(-64)

/** Runs the program in the file `path`, which is wrapped as Node wraps a CommonJS module, and returns its exports. */
const load = (path) => {
  const directory = cacheDirectory()
  // The program's directory is named by a digest of the program.
  const name = [process.version, process.arch, basename(dirname(path)), options].filter(Boolean).join("-")
  const cachedData = directory === undefined ? undefined : read(join(directory, name))
  // The bundle is ASCII, and latin1 needs no decoding.
  const script = new Script(fs.readFileSync(path, "latin1"), { filename: path, cachedData })
  if (directory !== undefined && (cachedData === undefined || script.cachedDataRejected))
    process.once("exit", () => writeFile(join(directory, name), script.createCachedData()))
  const module = { exports: {} }
  script.runInThisContext()(module.exports, createRequire(path), module, path, dirname(path))
  return module.exports
}

module.exports = { load }
