import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { chmodSync, cpSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { basename, dirname, join, resolve } from "node:path"
import { onTestFinished } from "vitest"
import { endWithFile } from "./ends.ts"
import { ensure } from "./programs.ts"
import { once, ROOT, temporary } from "./root.ts"

export const PROGRAM = resolve("dist/d.cjs")

// What the documents and fixes tell a user to type, and what the tests type themselves.
once("installation of programs", () =>
  ensure(
    [
      "socat",
      "sqlite3",
      "strace",
      "perl",
      "zsh",
      "fish",
      "dash",
      "mandoc",
      "systemd-analyze",
      "systemd-socket-activate"
    ],
    ["socat", "sqlite3", "strace", "perl-base", "zsh", "fish", "dash", "mandoc", "systemd"]
  )
)

once("build", () => {
  // A run that a test starts must not take the program away from under the others.
  if (process.env["PORTS_TEST_BUILT"] !== undefined) return
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" })
})

/** What the machine calls the process that the tests run in; the test runner gives it a title of its own. */
export const SELF = readFileSync("/proc/self/cmdline", "utf8").split("\0")[0] ?? ""

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A copy of the program, with `edit` made in its text, that every user of this machine may run. */
export const copyOfProgram = (edit?: (text: string) => string): string => {
  const directory = temporary()
  chmodSync(directory, 0o755)
  cpSync(dirname(PROGRAM), directory, { recursive: true })
  if (edit !== undefined) {
    // The parts are named by their content, and so is the code that V8 made of them.
    const edited = `-${basename(directory)}`
    for (const name of readdirSync(directory)) {
      if (name.startsWith("parts-")) renameSync(join(directory, name), join(directory, name + edited))
    }
    for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
      const path = join(directory, name)
      if (!/^(d|parts-.*)\.cjs$/.test(name)) continue
      const text = readFileSync(path, "latin1").replace(/\bparts-\w+/g, `$&${edited}`)
      writeFileSync(path, edit(text), "latin1")
    }
  }
  // The drivers are found by a link.
  symlinkSync(resolve("node_modules"), join(directory, "node_modules"))
  return join(directory, "d.cjs")
}

/** What a process comes to. */
export const collect = (child: ChildProcess): Promise<Run> =>
  new Promise((done, fail) => {
    let stdout = ""
    let stderr = ""
    child.stdout?.on("data", (chunk) => (stdout += chunk))
    child.stderr?.on("data", (chunk) => (stderr += chunk))
    child.on("error", fail)
    child.on("close", (code) => done({ code, stdout, stderr }))
  })

/** The shells that people type into, as they are for somebody at a prompt but for its text. */
export const SHELLS = {
  bash: ["bash", "--norc", "-i"],
  zsh: ["zsh", "-f", "-i", "-o", "no_prompt_sp", "-o", "no_prompt_cr"],
  dash: ["dash", "-i"]
} as const

export interface Machine {
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  /** Runs `d` with these words. */
  readonly d: (...words: ReadonlyArray<string>) => Promise<Run>
  /** Runs `d` and answers what it printed; anything but success fails the test. */
  readonly ok: (...words: ReadonlyArray<string>) => Promise<string>
  /** The same machine with other variables. */
  readonly with: (env: Readonly<Record<string, string>>) => Machine
  /** The same machine on which `d` and `ok` run by `runner`. */
  readonly by: (runner: Runner) => Machine
  /** Runs a line of shell with `d` and `daemon` on the path. */
  readonly sh: (line: string) => Promise<Run>
  /** Types lines into an interactive shell with `d` on the path. */
  readonly typed: (shell: keyof typeof SHELLS, lines: string) => Promise<Run>
}

/** Runs `d` with these words in this directory. */
export type Runner = (home: string, env: Readonly<Record<string, string>>, words: ReadonlyArray<string>) => Promise<Run>

/** Runs the built program. */
export const asProgram: Runner = (home, env, words) =>
  collect(spawn(process.execPath, [PROGRAM, ...words], { env, cwd: home, stdio: ["ignore", "pipe", "pipe"] }))

const machineIn = (home: string, env: Readonly<Record<string, string>>, runner: Runner): Machine => {
  const d = (...words: ReadonlyArray<string>) => runner(home, env, words)
  return {
    home,
    env,
    d,
    ok: async (...words) => {
      const run = await d(...words)
      if (run.code !== 0) throw new Error(`d ${words.join(" ")} ended with ${run.code}: ${run.stderr}`)
      return run.stdout
    },
    with: (more) => machineIn(home, { ...env, ...more }, runner),
    by: (other) => machineIn(home, env, other),
    typed: (shell, lines) => {
      const [program, ...words] = SHELLS[shell]
      // Without the terminal of whoever runs the tests.
      const child = spawn(program, words, {
        env: { ...env, PS1: "", PS2: "" },
        cwd: home,
        detached: true,
        stdio: ["pipe", "pipe", "pipe"]
      })
      child.stdin.end(`d() { ${process.execPath} ${PROGRAM} "$@"; }\n${lines}\n`)
      return collect(child)
    },
    sh: (line) =>
      collect(
        spawn("bash", ["-c", `d() { ${process.execPath} ${PROGRAM} "$@"; }; daemon() { d "$@"; }; ${line}`], {
          env,
          cwd: home,
          stdio: ["ignore", "pipe", "pipe"]
        })
      )
  }
}

/** A user with an empty home and nothing configured. */
export const machine = (env: Readonly<Record<string, string>> = {}): Machine => {
  const home = temporary()
  // Whoever runs the tests may have a daemon, and the other one.
  const socket = join(home, "run/d.sock")
  const variables = {
    HOME: home,
    PATH: process.env["PATH"] ?? "",
    AUTOMATELINUX_PORTS_SOCKET: socket,
    AUTOMATE_LINUX_SOCKET_PATH: join(home, "run/none.sock"),
    // The code that V8 made of the program is the same for all.
    XDG_CACHE_HOME: join(ROOT, "cache"),
    ...env
  }
  return machineIn(home, variables, asProgram)
}

export interface Daemon {
  readonly pid: number
  readonly socket: string
  /** What it has logged so far. */
  readonly log: () => string
  /** Answers the exit code. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | null>
  readonly signal: (signal: NodeJS.Signals) => void
}

/** Runs the service of `box` until the test is over, or the file's tests where `forAll`. */
export const startDaemon = async (box: Machine, forAll = false): Promise<Daemon> => {
  const child = spawn(process.execPath, [PROGRAM, "daemon"], {
    env: box.env,
    cwd: box.home,
    stdio: ["ignore", "ignore", "pipe"]
  })
  let log = ""
  child.stderr.on("data", (chunk) => (log += chunk))
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)))
  const closed = new Promise((done) => child.once("close", done))
  const end = async () => {
    child.kill("SIGKILL")
    await ended
  }
  if (forAll) endWithFile(end)
  else onTestFinished(end)
  while (!log.includes("serving")) {
    if (child.exitCode !== null || child.signalCode !== null) {
      await closed
      throw new Error(`the daemon ended: ${log}`)
    }
    await new Promise((done) => setTimeout(done, 20))
  }
  return {
    pid: child.pid ?? 0,
    socket: box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? "",
    log: () => log,
    stop: (signal = "SIGTERM") => {
      child.kill(signal)
      return ended
    },
    signal: (signal) => void child.kill(signal)
  }
}

/** A real listener, closed when the test is over. */
export const listen = (port: number, host: string): Promise<Server> =>
  new Promise((done, fail) => {
    const server = createServer()
    server.once("error", fail)
    server.listen(port, host, () => {
      onTestFinished(() => new Promise((closed) => server.close(() => closed())))
      done(server)
    })
  })
