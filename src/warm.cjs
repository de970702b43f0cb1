"use strict"
// Runs a command in the program that was just built, in a directory of its own, and keeps the code that V8 made of it.
// A command that fails, because the SQLite driver is not built yet, leaves the smaller part of it.
const { mkdtempSync, rmSync, writeFileSync } = require("node:fs")
const { tmpdir } = require("node:os")
const { join, resolve } = require("node:path")
const { cacheOf, load } = require("./cached.cjs")

const path = resolve(process.argv[2])
const home = mkdtempSync(join(tmpdir(), "ports-build-"))
for (const name of Object.keys(process.env)) if (/^(AUTOMATE|XDG_)/.test(name)) delete process.env[name]
Object.assign(process.env, { HOME: home, AUTOMATELINUX_DATABASE_URL: `sqlite:${join(home, "ports.sqlite")}` })

const { exports: program, script } = load(path)
process.once("exit", () => {
  rmSync(home, { recursive: true, force: true })
  writeFileSync(cacheOf(path), script.createCachedData())
})
program.run({ _tag: "Command", command: "listPorts", payload: {}, json: false })
