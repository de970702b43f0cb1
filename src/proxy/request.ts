import { isAbsolute, join } from "node:path"
import type { CommandError } from "../domain/CommandError.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import { parsePort, portProblem } from "../domain/names.ts"
import { domainProblem, PROXIES, type ProxyName } from "../domain/Proxy.ts"
import { xdgDirectory } from "../machine/user.ts"
import { asTyped, quote } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"
import type { Target } from "./Target.ts"
import { TARGETS } from "./targets.ts"

/** A command line, read. */
export interface Request {
  readonly action: "render" | "diff" | "apply"
  readonly proxy: ProxyName
  readonly target: Target
  readonly domain: string
  readonly port: number
  readonly file: string
  readonly isLive: boolean
  readonly force: boolean
  readonly dryRun: boolean
}

type Payload = Readonly<Record<string, unknown>>

interface Surroundings {
  readonly environment: Environment
  /** Returns an absolute path, or why there is none. */
  readonly resolve: (path: string) => string | CommandError
}

const DOMAIN = "localhost"
const PORT = 80

const invalid = (message: string, hint: string): CommandFailed => new CommandFailed({ code: "invalid", message, hint })

/** Refuses options that do not go together. */
const checkOptions = ({ action, dryRun, file, for: proxy, force, live, port }: Payload, target: Target): void => {
  const changes = "it goes with d proxy apply"
  const compares = "it goes with d proxy diff and apply"
  const wrong: ReadonlyArray<readonly [isWrong: boolean, option: string, other: string, hint: string]> = [
    [force === true && action !== "apply", "force", String(action), changes],
    [dryRun === true && action !== "apply", "dry-run", String(action), changes],
    [file !== undefined && action === "render", "file", "render", compares],
    [live === true && action === "render", "live", "render", compares],
    [live === true && proxy !== "caddy", "live", `--for ${proxy}`, "only Caddy has an admin API: --for caddy"],
    [live === true && file !== undefined, "live", "--file", "with --live, no file is read or written"],
    [live === true && force === true, "live", "--force", "with --live, no file is replaced"],
    [
      port !== undefined && !target.takesPort,
      "port",
      `--for ${proxy}`,
      proxy === "traefik" ? "Traefik's entry points are in its static configuration" : "host names have no port"
    ]
  ]
  const found = wrong.find(([isWrong]) => isWrong)
  if (found !== undefined) throw invalid(`--${found[1]} does not go with ${found[2]}`, found[3])
}

/** Refuses a value that does not follow its rule. */
const checkValue = (name: string, value: string, rule: (text: string) => string | undefined): void => {
  const problem = rule(value)
  if (problem !== undefined) throw invalid(`${name} ${quote(value)} ${problem}`, "d proxy --help")
}

/** Returns the usual file of a proxy. */
const usualFile = ({ file }: Target, environment: Environment): string =>
  isAbsolute(file) ? file : join(xdgDirectory(environment, "config"), "automatelinux/proxy", file)

/** Reads what the command line asks for. Fails with a CommandFailed. */
export const readRequest = (payload: Payload, { environment, resolve }: Surroundings): Request => {
  const { action, domain = DOMAIN, file, for: named, port = String(PORT) } = payload
  const proxy = PROXIES.find((each) => each === named)
  if (proxy === undefined)
    throw invalid(`d proxy does not know ${asTyped(String(named))}`, `--for takes one of ${PROXIES.join(", ")}`)
  const target = TARGETS[proxy]
  checkOptions(payload, target)
  checkValue("domain", String(domain), domainProblem)
  checkValue("port", String(port), portProblem)
  if (file === "") throw invalid('file "" is empty: name a file', `d proxy ${action} --for ${proxy} --file FILE`)
  const path = file === undefined ? usualFile(target, environment) : resolve(String(file))
  if (typeof path !== "string") throw new CommandFailed(path)
  return {
    action: action === "diff" || action === "apply" ? action : "render",
    proxy,
    target,
    domain: String(domain).toLowerCase(),
    port: parsePort(String(port)) ?? PORT,
    file: path,
    isLive: payload["live"] === true,
    force: payload["force"] === true,
    dryRun: payload["dryRun"] === true
  }
}

/** Returns the line that does this again: with the options that the content depends on. */
export const commandFor = (action: Request["action"], { domain, port, proxy }: Request): string =>
  [
    `d proxy ${action} --for ${proxy}`,
    ...(domain === DOMAIN ? [] : [`--domain ${domain}`]),
    ...(port === PORT ? [] : [`--port ${port}`])
  ].join(" ")

/** The same for its file. */
export const commandForFile = (action: Request["action"], request: Request, environment: Environment): string => {
  const { file, target } = request
  const isUsual = file === usualFile(target, environment)
  return `${commandFor(action, request)}${isUsual ? "" : ` --file ${shellWord(file)}`}`
}
