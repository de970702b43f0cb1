import { readFileSync, writeSync } from "node:fs"
import { check, PortsError, port } from "./index.ts"
import type { Call, Outcome } from "./runSync.ts"

// The process of a synchronous call: a call on standard input, its outcome on standard output.

const call: Call = JSON.parse(readFileSync(0, "utf8"))
const notes: Array<string> = []
const onNote = (line: string) => void notes.push(line)

const answer = (): Promise<unknown> => {
  if (call.call === "check") return check({ ...call.options, onNote })
  const rethrow = (error: PortsError) => {
    throw error
  }
  // The fallback itself is the caller's.
  return port({ ...call.options, onNote, ...(call.hasFallback ? { fallback: rethrow } : {}) })
}

const print = (outcome: Outcome) => writeSync(1, JSON.stringify(outcome))

answer().then(
  (result) => print({ ok: true, result, notes }),
  (error) => {
    if (!(error instanceof PortsError)) throw error
    const { code, hint, message } = error
    print({ ok: false, error: { code, message, hint }, notes })
  }
)
