import { type ChildProcess, spawn } from "node:child_process"
import { expect, onTestFinished } from "vitest"
import type { Results } from "../../src/commands/Results.ts"
import type { CheckName, Examination, Finding } from "../../src/domain/Finding.ts"
import type { Machine } from "./cli.ts"
import { inProcess } from "./inProcess.ts"
import { temporary } from "./root.ts"

/** A hundred ports for apps from `first` on, and a hundred for specials: each file has its own. */
export const rangesFrom = (first: number) => ({
  AUTOMATELINUX_APP_RANGE: `${first}-${first + 99}`,
  AUTOMATELINUX_SPECIAL_RANGE: `${first + 100}-${first + 199}`
})

/** A machine with a daemon that probes often. */
export const watched = (ranges: ReturnType<typeof rangesFrom>, env: Readonly<Record<string, string>> = {}): Machine =>
  inProcess({ ...ranges, AUTOMATELINUX_PROBE_INTERVAL: "200 millis", ...env })

type Examined = Examination & { readonly code: number | null }

/** What the doctor says. */
export const examine = async (box: Machine, ...words: ReadonlyArray<string>): Promise<Examined> => {
  const run = await box.d("doctor", "--json", ...words)
  if (run.stdout === "") throw new Error(`d doctor said nothing: ${run.stderr}`)
  return { ...(JSON.parse(run.stdout) as Examination), code: run.code }
}

/** What one check finds. */
export const findingsOf = async (box: Machine, check: CheckName): Promise<ReadonlyArray<Finding>> =>
  (await examine(box, "--check", check)).findings

/** The one finding of a check. */
export const findingOf = async (box: Machine, check: CheckName): Promise<Finding> => {
  const findings = await findingsOf(box, check)
  expect(findings.map(({ message }) => message)).toHaveLength(1)
  return findings[0] as Finding
}

const serious = (findings: ReadonlyArray<Finding>) => findings.filter(({ severity }) => severity !== "info")
const whose = ({ check, keys, ports }: Finding) => JSON.stringify({ check, keys, ports })

/** The command of a finding that has one. */
export const fixOf = ({ message, fix }: Finding): string => {
  if (fix === null) throw new Error(`no fix is known: ${message}`)
  return fix
}

/**
 * Types the fix of a finding in a shell, and answers what its check finds then, in the same shell. Nothing else may
 * be wrong afterwards that was not before.
 */
export const afterMending = async (box: Machine, finding: Finding): Promise<ReadonlyArray<Finding>> => {
  const before = serious((await examine(box)).findings).map(whose)
  const run = await box.typed("zsh", `{ ${finding.fix}\n} >&2 </dev/null\nd doctor --json`)
  if (run.stdout === "") throw new Error(`after ${finding.fix} d doctor said nothing: ${run.stderr}`)
  const { findings } = JSON.parse(run.stdout) as Examination
  const others = serious(findings).filter(({ check }) => check !== finding.check)
  expect(others.filter((each) => !before.includes(whose(each)))).toEqual([])
  return findings.filter(({ check }) => check === finding.check)
}

/** Waits until `answer` is what is wanted. */
export const until = async <A>(ask: () => Promise<A>, wanted: (answer: A) => boolean, seconds = 10): Promise<A> => {
  for (let attempt = 0; ; attempt++) {
    const answer = await ask()
    if (wanted(answer)) return answer
    if (attempt === seconds * 10) throw new Error(`still ${JSON.stringify(answer)}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}

/** Waits until a daemon has seen these keys up. What listens is up before that, but since nobody knows when. */
export const seenUp = (box: Machine, ...keys: ReadonlyArray<string>): Promise<unknown> =>
  until(
    async (): Promise<Results["listPorts"]> => JSON.parse(await box.ok("listPorts", "--health", "up", "--json")),
    (up) => keys.every((key) => up.some((each) => each.key === key && each.health.since !== null))
  )

export interface Server {
  readonly pid: number
  readonly directory: string
  readonly stop: () => Promise<void>
}

/** A real process that listens on `port`, in a directory of its own. `afterwards` is what it does after that, `words` what else it was called with. */
export const serve = (
  port: number,
  {
    directory = temporary(),
    host = "127.0.0.1",
    afterwards = "",
    words = []
  }: { directory?: string; host?: string; afterwards?: string; words?: ReadonlyArray<string> } = {}
): Promise<Server> => {
  const script = `require("node:net").createServer().listen(${port}, ${JSON.stringify(host)}, () => { console.log("up"); ${afterwards} })`
  return started(
    spawn(process.execPath, ["-e", script, "--", ...words], { cwd: directory, stdio: ["ignore", "pipe", "inherit"] }),
    directory
  )
}

/** A real process that has bound `port` and does not listen on it, as a client may. */
export const hold = (port: number): Promise<Server> => {
  const script =
    'socket(S, PF_INET, SOCK_STREAM, 0) && bind(S, sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die; $| = 1; print "up"; sleep'
  const child = spawn("perl", ["-MSocket", "-e", script, String(port)], { stdio: ["ignore", "pipe", "inherit"] })
  return started(child, "/")
}

/** A process once it has said something; ended with the test. */
export const started = (child: ChildProcess, directory: string): Promise<Server> =>
  new Promise((done, fail) => {
    const gone = new Promise<void>((ended) => child.once("exit", () => ended()))
    const stop = async () => {
      child.kill("SIGKILL")
      await gone
    }
    onTestFinished(stop)
    child.once("exit", () => fail(new Error("it ended before it said anything")))
    child.stdout?.once("data", () => done({ pid: child.pid ?? 0, directory, stop }))
  })
