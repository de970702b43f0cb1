import type { CommandError } from "../domain/CommandError.ts"
import { parseWait, waitProblem } from "../domain/span.ts"
import { pause } from "../machine/pause.ts"
import { quote } from "../text/escape.ts"

/** Parses a time like `30s`, of option `name` of `command`, to milliseconds. */
export const parseTime = (command: string, name: string, text: string): number | CommandError =>
  parseWait(text) ?? {
    code: "invalid",
    message: `${name} ${quote(text)} ${waitProblem(text)}`,
    hint: `d ${command} --help`
  }

const EVERY_MS = 150

/** Repeats `ask` until `done` holds for its answer, for at most `limit` milliseconds. Returns the last answer. */
export const askUntil = async <A>(ask: () => Promise<A>, done: (answer: A) => boolean, limit: number): Promise<A> => {
  const end = performance.now() + limit
  while (true) {
    const answer = await ask()
    if (done(answer) || performance.now() >= end) return answer
    await pause(EVERY_MS)
  }
}
