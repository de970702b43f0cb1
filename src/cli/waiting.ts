import type { CommandError } from "../domain/CommandError.ts"
import { quote } from "../text/escape.ts"

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }
const LONGEST_MS = 86_400_000

/** Parses a time like `30s`, of option `name` of `command`, to milliseconds. */
export const parseTime = (command: string, name: string, text: string): number | CommandError => {
  const [, amount = "", unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? []
  const milliseconds = Number(amount) * (UNITS[unit] ?? 1000)
  return amount !== "" && milliseconds <= LONGEST_MS
    ? milliseconds
    : {
        code: "invalid",
        message: `${name} ${quote(text)} is not a time: write 30s, 500ms or 2m`,
        hint: `d ${command} --help`
      }
}

const EVERY_MS = 150

/** Repeats `ask` until `done` holds for its answer, for at most `limit` milliseconds. Returns the last answer. */
export const askUntil = async <A>(ask: () => Promise<A>, done: (answer: A) => boolean, limit: number): Promise<A> => {
  const end = performance.now() + limit
  while (true) {
    const answer = await ask()
    if (done(answer) || performance.now() >= end) return answer
    await new Promise((waited) => setTimeout(waited, EVERY_MS))
  }
}
