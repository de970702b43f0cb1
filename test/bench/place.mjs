import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import mysql from "mysql2/promise"

export const PROGRAM = resolve("dist/d.cjs")

/** Below the ranges that the tests and the registry's users have. */
const APPS = "20000-22499"
const SPECIALS = "22500-22999"

const root = mkdtempSync(join(tmpdir(), "ports-bench-"))
const children = new Set()

/** Ends everything that was started, and removes what it left. */
export const clean = async () => {
  for (const child of children) child.kill("SIGKILL")
  await Promise.all([...children].map((child) => child.exitCode ?? new Promise((done) => child.once("exit", done))))
  rmSync(root, { recursive: true, force: true })
}

/** Runs a program until the end, and waits until it says that it serves. */
export const service = (program, words, env = process.env) =>
  new Promise((done, fail) => {
    const child = spawn(program, words, { env, stdio: ["ignore", "ignore", "pipe"] })
    children.add(child)
    let said = ""
    child.stderr.on("data", (chunk) => {
      said += chunk
      if (said.includes("serving")) done(child)
    })
    child.once("error", fail)
    child.once("exit", (code) => {
      children.delete(child)
      fail(new Error(`${words.join(" ")} ended with ${code}: ${said}`))
    })
  })

let homes = 0

/** A user of the machine with an empty home, whose settings stand in a file as a user's do. */
export const home = (settings = {}) => {
  const directory = join(root, String(++homes))
  mkdirSync(join(directory, ".config/automatelinux"), { recursive: true })
  writeFileSync(
    join(directory, ".config/automatelinux/ports.json"),
    JSON.stringify({ appRange: APPS, specialRange: SPECIALS, ...settings })
  )
  const socket = join(directory, "run/d.sock")
  return {
    socket,
    env: { PATH: process.env.PATH, HOME: directory, AUTOMATELINUX_PORTS_SOCKET: socket },
    directory
  }
}

/** The same with a daemon, whose environment has `more`. */
export const served = async (settings, more = {}) => {
  const place = home(settings)
  const daemon = await service(process.execPath, [PROGRAM, "daemon"], { ...place.env, ...more })
  return { ...place, daemon }
}

/** The same, started for the second time: the first start of a build compiles the program, and keeps the code for the next. */
export const servedAgain = async (settings) => {
  const place = await served(settings)
  const ended = once(place.daemon, "exit")
  place.daemon.kill("SIGTERM")
  await ended
  return { ...place, daemon: await service(process.execPath, [PROGRAM, "daemon"], place.env) }
}

const run = (program, words) =>
  new Promise((done, fail) => {
    const child = spawn(program, words, { stdio: ["ignore", "ignore", "inherit"] })
    child.once("error", fail)
    child.once("exit", (code) => (code === 0 ? done() : fail(new Error(`${program} ended with ${code}`))))
  })

let server

/** The socket of a MariaDB server that keeps what it acknowledged, as a server does that nobody has configured. */
const serverSocket = async () => {
  const user = userInfo().username
  const data = join(root, "data")
  const socket = join(root, "mariadb.sock")
  await run("mariadb-install-db", [
    "--no-defaults",
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    `--datadir=${data}`,
    `--user=${user}`
  ])
  const words = ["--no-defaults", `--user=${user}`, `--datadir=${data}`, `--socket=${socket}`, "--skip-networking"]
  const child = spawn("mariadbd", words, { stdio: "ignore" })
  children.add(child)
  while (!existsSync(socket)) {
    if (child.exitCode !== null) throw new Error(`mariadbd ended with ${child.exitCode}`)
    await sleep(50)
  }
  return socket
}

let databases = 0

/** An empty database on that server: its URL, and how to reach it without `d`. */
export const database = async () => {
  server ??= serverSocket()
  const socketPath = await server
  const name = `ports${++databases}`
  const connection = await mysql.createConnection({ socketPath, user: "root" })
  await connection.query(`CREATE DATABASE ${name}`)
  await connection.end()
  return {
    url: `mysql://root@localhost/${name}?socket=${socketPath}`,
    bare: { socketPath, user: "root", database: name }
  }
}
