import { spawnSync } from "node:child_process"
import { join } from "node:path"
import type { CommandError } from "../domain/CommandError.ts"
import type { PortCheck } from "../domain/PortCheck.ts"
import type { CheckOptions, PortOptions } from "./options.ts"
import { PortsError } from "./PortsError.ts"

/** A call for a process of its own. */
export type Call =
  | { readonly call: "port"; readonly options: Omit<PortOptions, "fallback" | "onNote">; readonly hasFallback: boolean }
  | { readonly call: "check"; readonly options: Omit<CheckOptions, "onNote"> }

interface Returned {
  readonly port: number
  readonly check: PortCheck
}

/** What that process prints, as JSON. */
export type Outcome<A = unknown> = { readonly notes: ReadonlyArray<string> } & (
  | { readonly ok: true; readonly result: A }
  | { readonly ok: false; readonly error: CommandError }
)

/** Runs a call in a process of its own, waits for it, and returns its result or throws its error. */
export const runSync = <C extends Call>(call: C, onNote: (line: string) => void = () => {}): Returned[C["call"]] => {
  // Options for this program are not for that one: a debugger would stop it at once.
  const { NODE_OPTIONS: _, ...env } = process.env
  const run = spawnSync(process.execPath, [join(__dirname, "sync.cjs")], {
    input: JSON.stringify(call),
    env,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
    maxBuffer: Number.POSITIVE_INFINITY
  })
  if (run.error !== undefined || run.status !== 0) {
    const why = run.error?.message ?? run.stderr.trim().split("\n").at(-1)
    throw new PortsError(
      { code: "internal", message: `d could not be run: ${why}`, hint: "d doctor says more" },
      { cause: run.error ?? run.stderr }
    )
  }
  const outcome: Outcome<Returned[C["call"]]> = JSON.parse(run.stdout)
  outcome.notes.forEach((line) => void onNote(line))
  if (outcome.ok) return outcome.result
  throw new PortsError(outcome.error)
}
