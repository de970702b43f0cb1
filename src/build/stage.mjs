// The scene of the pictures: a home with a registry, and processes that listen.
import { execFileSync, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { mkdirSync, rmSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

export const PROGRAM = resolve(dirname(fileURLToPath(import.meta.url)), "../../dist/d.cjs")

/** The home that the pictures show, and the real one. They have the same length, so that lines wrap at the same places. */
export const SHOWN_HOME = "/home/me"
export const HOME = `/tmp/${randomBytes(2)
  .toString("hex")
  .slice(0, SHOWN_HOME.length - "/tmp/".length)}`

const { FORCE_COLOR, NO_COLOR, ...surroundings } = process.env
export const env = {
  ...surroundings,
  HOME,
  XDG_STATE_HOME: "",
  XDG_CONFIG_HOME: "",
  AUTOMATELINUX_PORTS_SOCKET: join(HOME, "d.sock"),
  AUTOMATELINUX_HOST: "laptop",
  AUTOMATELINUX_PROBE_INTERVAL: "100 millis",
  TERM: "xterm-256color"
}

/** Runs `d` and returns what it prints. */
export const d = (...words) => execFileSync(process.execPath, [PROGRAM, ...words], { env, encoding: "utf8", cwd: HOME })

const children = []

/** Starts a process of this name in an app's directory, and waits until it says something. */
const start = async (name, app, script) => {
  mkdirSync(join(HOME, app), { recursive: true })
  const child = spawn(process.execPath, ["-e", script], {
    argv0: name,
    cwd: join(HOME, app),
    env,
    stdio: ["ignore", "pipe", "inherit"]
  })
  children.push(child)
  await once(child.stdout, "data")
  return child
}

/** Starts a process of this name in an app's directory that listens on `port`. */
export const serve = (name, app, port) =>
  start(name, app, `require("node:net").createServer().listen(${port}, "127.0.0.1", () => console.log("up"))`)

export const end = async (child) => {
  const ended = once(child, "exit")
  child.kill()
  await ended
}

/** Waits until `d` prints something that matches. */
export const until = async (wanted, ...words) => {
  while (!wanted.test(d(...words))) await new Promise((done) => setTimeout(done, 50))
}

/** Starts the daemon. */
export const startDaemon = () =>
  children.push(spawn(process.execPath, [PROGRAM, "daemon"], { env, cwd: HOME, stdio: "ignore" }))

/** Makes the home for `work`, and leaves nothing of it behind. */
export const onStage = async (work) => {
  mkdirSync(HOME)
  try {
    await work()
  } finally {
    for (const child of children) if (child.exitCode === null && child.signalCode === null) await end(child)
    rmSync(HOME, { recursive: true })
  }
}
