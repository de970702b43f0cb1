import { networkInterfaces } from "node:os"
import type { Answer } from "../commands/Answer.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import { DASHBOARD_KEY, keyProblem } from "../domain/names.ts"
import type { NamedPort, ProxyDiff } from "../domain/Proxy.ts"
import { tryRead } from "../machine/tryRead.ts"
import { names } from "../text/describe.ts"
import { asTyped } from "../text/escape.ts"
import { type Printed, printedJson } from "../text/printed.ts"
import { appliedText, fileText, proxyNotes } from "../text/proxyText.ts"
import { unifiedDiff } from "../text/unifiedDiff.ts"
import { adminOf } from "./caddyAdmin.ts"
import { asPrinted } from "./content.ts"
import { applyFile, planFile } from "./inFile.ts"
import { applyLive, compareLive } from "./live.ts"
import { signed } from "./mark.ts"
import { labelled } from "./names.ts"
import { commandFor, type Request, readRequest } from "./request.ts"
import type { Setup } from "./Target.ts"

/** The means that the client provides to `d proxy`. */
export interface ProxyMeans {
  readonly environment: Environment
  /** Returns an absolute path, or why there is none. */
  readonly resolve: (path: string) => string | CommandError
  /** Lists the assignments. */
  readonly list: () => Promise<Answer<"listPorts">>
  /** The name of this host. */
  readonly host: () => string
  readonly isTerminal: boolean
  /** Writes lines to standard error. */
  readonly tell: (...lines: ReadonlyArray<string>) => Promise<void>
}

/** The output of `d proxy`, its exit code, and whether it may have changed something. */
export interface ProxyOutput {
  readonly text: Printed
  readonly exitCode: number
  readonly changes: boolean
}

/** The exit code of a difference, as that of diff(1). */
const DIFFERS = 1

/** Returns the assignments, or fails with the error of the registry. */
const assignmentsOf = async ({ list, tell }: ProxyMeans) => {
  const answer = await list()
  if (!answer.ok) throw new CommandFailed(answer.error)
  if (answer.notes.length > 0) await tell(...answer.notes)
  return answer.result
}

/** Names the keys of this host. */
const nameKeys = async (
  { domain, port: own, target }: Request,
  means: ProxyMeans
): Promise<ReadonlyArray<NamedPort>> => {
  const all = await assignmentsOf(means)
  const host = means.host()
  // A key that belongs to a directory, a unit or a container of this host is used here, even if another host claimed it.
  const isHere = ({ host: claimed, owner }: (typeof all)[number]) =>
    claimed === null || claimed === host || owner !== null
  // The daemon's own page is served at its own address alone, so that no other name can lead to it.
  const isNamed = (key: string) => keyProblem(key) === undefined && key !== DASHBOARD_KEY
  const here = all.filter((each) => isHere(each) && isNamed(each.key))
  const ports = new Map(here.map(({ key, port }) => [key, port]))
  const found = labelled([...ports.keys()])
  const elsewhere = all.filter((each) => !isHere(each)).map(({ key }) => key)
  const invalid = all.filter(({ key }) => keyProblem(key) !== undefined).map(({ key }) => key)
  const late = found.filter(({ instead }) => instead !== undefined)
  const notes = [
    ...(elsewhere.length === 0 ? [] : [`note: left out ${names(elsewhere)}, which only other hosts use`]),
    ...(invalid.length === 0 ? [] : [`warning: left out ${names(invalid)}: not a valid key`]),
    ...(late.length === 0
      ? []
      : [
          `note: ${names(late.map(({ key }) => key))} got a name with a hash, because another key has the name without it`
        ])
  ]
  if (notes.length > 0) await means.tell(...notes)
  return found.map(({ key, label }) => {
    const name = `${label}.${domain}`
    const port = ports.get(key) ?? 0
    return { name, key, port, url: target.url(name, port, own) }
  })
}

/** Whether this machine has the address ::1, by which browsers look for localhost first. */
const hasIpv6 = (): boolean =>
  tryRead(() => Object.values(networkInterfaces()), []).some((addresses) =>
    addresses?.some(({ address }) => address === "::1")
  )

const setupOf = async (request: Request, means: ProxyMeans): Promise<Setup> => ({
  ports: await nameKeys(request, means),
  domain: request.domain,
  port: request.port,
  hasIpv6: hasIpv6()
})

/** Returns the lines that a file should have. */
const linesFor = (request: Request, setup: Setup): ReadonlyArray<string> =>
  signed(request.target.lines(setup), commandFor("apply", request))

const render = (request: Request, setup: Setup, json: boolean, isTerminal: boolean): Printed =>
  json ? printedJson(setup.ports) : fileText(asPrinted(linesFor(request, setup), request.target.isShared), isTerminal)

const diff = async (request: Request, setup: Setup, { environment, tell }: ProxyMeans): Promise<ProxyDiff> => {
  const { file, isLive, proxy } = request
  if (isLive) {
    const compared = await compareLive(adminOf(environment), setup)
    return { for: proxy, file: null, differs: compared.change !== "none", diff: compared.diff }
  }
  const { before, replaces, text } = planFile(request, linesFor(request, setup))
  if (replaces === "foreign")
    await tell(`note: ${asTyped(file)} was not written by d proxy, and apply leaves it as it is`)
  return { for: proxy, file, differs: before !== text, diff: unifiedDiff(asTyped(file), before, text) }
}

const apply = async (request: Request, setup: Setup, json: boolean, means: ProxyMeans): Promise<Printed> => {
  const { dryRun, file, isLive, proxy, target } = request
  const { environment, tell } = means
  const rest = { for: proxy, dryRun, names: setup.ports }
  if (isLive) {
    const admin = adminOf(environment)
    const { change } = await compareLive(admin, setup)
    if (!dryRun) await applyLive(admin, setup)
    const result = { ...rest, file: null, change }
    return json ? printedJson(result) : appliedText(result, admin.shown)
  }
  const result = { ...rest, file, change: applyFile(request, linesFor(request, setup), environment) }
  const notes = dryRun ? [] : proxyNotes(result, target.include, target.reload)
  if (notes.length > 0) await tell(...notes)
  return json ? printedJson(result) : appliedText(result, "")
}

/** Runs `d proxy`, and returns its output, or its error. */
export const runProxy = async (
  payload: Readonly<Record<string, unknown>>,
  json: boolean,
  means: ProxyMeans
): Promise<ProxyOutput | CommandError> => {
  try {
    const request = readRequest(payload, means)
    const setup = await setupOf(request, means)
    if (request.action === "render")
      return { text: render(request, setup, json, means.isTerminal), exitCode: 0, changes: false }
    if (request.action === "apply")
      return { text: await apply(request, setup, json, means), exitCode: 0, changes: !request.dryRun }
    const result = await diff(request, setup, means)
    const text = json ? printedJson(result) : fileText(result.diff, means.isTerminal)
    return { text, exitCode: result.differs ? DIFFERS : 0, changes: false }
  } catch (error) {
    if (error instanceof CommandFailed) return error.error
    throw error
  }
}
