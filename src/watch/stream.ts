import type { CommandError } from "../domain/CommandError.ts"
import { pause } from "../machine/pause.ts"
import { changesBetween } from "./changes.ts"
import type { Means } from "./live.ts"
import type { Looked } from "./model.ts"

/**
 * How long nothing is written at most, in milliseconds: only by writing is it found out that the reader is gone, as in
 * `d watch --json | head -1`.
 */
const SILENCE_MS = 10_000

/**
 * Writes the list, and then each change, as documents of their own: for scripts and agents. Returns once `write` has returned
 * false: nobody can be told any more.
 */
export const stream = async (
  first: Looked,
  { interval, look }: Pick<Means, "interval" | "look">,
  write: (document: unknown) => Promise<boolean>
): Promise<void> => {
  let { list } = first
  let failure: CommandError | undefined
  let writtenAt = 0
  let isOpen = true
  const tell = async (change: string, more: object = {}) => {
    writtenAt = performance.now()
    isOpen &&= await write({ at: new Date().toISOString(), change, ...more })
  }
  await tell("list", { assignments: list })
  while (isOpen) {
    await pause(interval)
    const { answer } = await look()
    if (answer.ok) {
      if (failure !== undefined) await tell("back")
      failure = undefined
      for (const { change, ...more } of changesBetween(list, answer.result)) await tell(change, more)
      list = answer.result
    } else {
      // Once, however long it lasts.
      if (failure === undefined) await tell("lost", { error: answer.error })
      failure = answer.error
    }
    if (performance.now() - writtenAt > SILENCE_MS) await tell("alive")
  }
}
