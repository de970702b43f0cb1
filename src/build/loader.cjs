// The first lines of dist/d.cjs, and of what the library loads on demand. Loads the parts of the program with V8's code
// cache of an earlier run. The cache is in the user's cache directory, one file per part, version of Node and build;
// deleting it only costs time. Node's own module.enableCompileCache (22.1) stores the code before it has run, without the
// functions that are compiled later: with it a start without a daemon took 4.0 times as long as bare Node on Node 24, with
// this 2.7 times.
const fs = require("node:fs")
const { createRequire } = require("node:module")
const { dirname, isAbsolute, join } = require("node:path")
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
    if (!fs.existsSync(directory)) {
      // Not with `recursive`, which never returns below /proc.
      for (const path of [base, dirname(directory), directory]) if (!fs.existsSync(path)) fs.mkdirSync(path, 0o700)
    }
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

const read = (path) => {
  try {
    return fs.readFileSync(path)
  } catch {
    return undefined
  }
}

/** V8 rejects code that was compiled with other options, so each set of options has its own file. */
const options = Buffer.from(`${process.env.NODE_OPTIONS ?? ""}${process.execArgv}`)
  .toString("base64url")
  .slice(-64)

/** Replaced by the build: the path of dist from this file, and the name of the parts' directory, which has a digest of them. */
const DIST = "DIST"
const PARTS = "PARTS"
const directory = join(__dirname, DIST, PARTS)
const requireFrom = createRequire(join(directory, "client.cjs"))
const cache = cacheDirectory()

const loaded = new Map()

/** Runs a part, which is wrapped as Node wraps a CommonJS module, and returns its exports. */
const load = (name) => {
  const known = loaded.get(name)
  if (known !== undefined) return known
  const path = join(directory, name)
  const kept = cache && join(cache, [process.version, process.arch, PARTS, name, options].filter(Boolean).join("-"))
  const cachedData = kept && read(kept)
  // The parts are ASCII, and latin1 needs no decoding.
  const script = new Script(fs.readFileSync(path, "latin1"), { filename: path, cachedData })
  if (kept !== undefined && (cachedData === undefined || script.cachedDataRejected))
    process.once("exit", () => writeFile(kept, script.createCachedData()))
  const module = { exports: {} }
  script.runInThisContext()(module.exports, requirePart, module, path, directory)
  loaded.set(name, module.exports)
  return module.exports
}

const requirePart = (id) => (id.startsWith("./") ? load(id.slice(2)) : requireFrom(id))
