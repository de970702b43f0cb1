import { join, resolve } from "node:path"
import { portUrl } from "../domain/portUrl.ts"
import { shellWord } from "../text/shell.ts"
import { checkSync, type Named, type PortOptions, portSync, type Sync } from "./index.ts"
import { refuseForeign, withHint } from "./refusal.ts"

export interface PlaywrightPortsOptions extends Named {
  /** The port on a machine without a registry, where nothing can be checked. */
  readonly fallback?: Sync<PortOptions>["fallback"]
}

export interface WebServerOptions extends PlaywrightPortsOptions {
  /** The command that starts the server. It gets PORT, and what `d run` adds for tools that ignore it. */
  readonly command: string
}

/** What Playwright needs to start the server, for `webServer` in its configuration. */
export interface WebServer {
  command: string
  url: string
  cwd: string
  env?: Record<string, string>
  reuseExistingServer: boolean
  gracefulShutdown: { signal: "SIGTERM"; timeout: number }
}

/** Returns how the key that has `port` is named: in a run of `d run`, that is the key that it was started with. */
const namedFor = (named: Named, port: number): Named => {
  const { D_KEY: key, D_PORT } = process.env
  return D_PORT === String(port) && key !== undefined ? { key, directory: named.directory } : named
}

/** A command without anything that only a shell understands. */
const SIMPLE = /^(?!\w+=)[\w@%+:,./-][\w@%+=:,./ -]*$/

/** How long Playwright waits for the server to end, in milliseconds. `d run` ends what is left of it after five seconds. */
const GRACE_MS = 10_000

/** Returns the line of shell that runs `command` with its port. */
const runLine = (command: string, { app, key, mode }: Named): string => {
  const named = Object.entries({ app, key, mode }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, shellWord(value)]
  )
  const program = [process.execPath, join(__dirname, "../d.cjs")].map(shellWord)
  const words = SIMPLE.test(command) ? command : `sh -c ${shellWord(command)}`
  return [...program, "run", ...named, "--", words].join(" ")
}

/**
 * Returns `baseURL` and, if it is given a command, `webServer` for the configuration of Playwright: the dev port of the
 * directory's app, or of what is named. Throws at once if another directory's server answers there, so that no test runs
 * against it; a server of this directory is used, but not if `CI` is set.
 *
 * The configuration is loaded by each worker, and the server is checked each time.
 *
 * @example
 * const { baseURL, webServer } = ports({ command: "npm run dev" })
 * export default defineConfig({ use: { baseURL }, webServer })
 */
export function ports(options: WebServerOptions): { baseURL: string; webServer: WebServer }
export function ports(options?: PlaywrightPortsOptions): { baseURL: string; webServer?: never }
export function ports({ command, fallback, ...named }: Partial<WebServerOptions> = {}): {
  baseURL: string
  webServer?: WebServer
} {
  const onNote = (line: string) => console.warn(line)
  let hasRegistry = true
  const instead: Sync<PortOptions>["fallback"] = (error) => {
    hasRegistry = false
    return typeof fallback === "function" ? fallback(error) : (fallback ?? 0)
  }
  try {
    const port = portSync({ ...named, claim: true, onNote, ...(fallback === undefined ? {} : { fallback: instead }) })
    const meant = namedFor(named, port)
    if (hasRegistry) refuseForeign(checkSync({ ...meant, onNote }))
    const baseURL = portUrl(port)
    if (command === undefined) return { baseURL }
    const webServer: WebServer = {
      command: hasRegistry ? runLine(command, meant) : command,
      url: baseURL,
      cwd: resolve(named.directory ?? "."),
      // What d run sets itself, if there is a registry to run it with.
      ...(hasRegistry ? {} : { env: { PORT: String(port) } }),
      reuseExistingServer: !process.env["CI"],
      gracefulShutdown: { signal: "SIGTERM", timeout: GRACE_MS }
    }
    return { baseURL, webServer }
  } catch (error) {
    throw withHint(error)
  }
}
