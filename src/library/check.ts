import { meantIn } from "../cli/here.ts"
import { askUntil } from "../cli/waiting.ts"
import type { PortCheck } from "../domain/PortCheck.ts"
import { quote } from "../text/escape.ts"
import { ask } from "./ask.ts"
import { type CheckOptions, invalid, optionsOf, type WithoutName } from "./options.ts"
import { projectIn } from "./project.ts"
import { runSync } from "./runSync.ts"

type CheckKeyOptions = WithoutName<CheckOptions>

const checkOnce = ({ app, directory, key, mode, onNote }: CheckOptions): Promise<PortCheck> => {
  const project = projectIn(directory)
  return ask("check", { key, app, mode, ...meantIn(project, { key, app }) }, { onNote })
}

/** The longest wait: a day. */
const WAIT_MAX_MS = 86_400_000

/**
 * Finds out whose server answers on a port. `verdict` is `own` if it works in the directory, `nothing` if nothing listens,
 * `other` if it is another one's, and `unknown` if that cannot be found out, as for a process of another user.
 *
 * Fails with a {@link PortsError}: with code `not-set` if the key has no port.
 *
 * @example
 * const { verdict, listeners } = await check({ wait: 30_000 })
 */
export function check(options?: CheckOptions): Promise<PortCheck>
export function check(key: string, options?: CheckKeyOptions): Promise<PortCheck>
export async function check(first?: string | CheckOptions, rest?: CheckKeyOptions): Promise<PortCheck> {
  const { onNote, wait = 0, ...options }: CheckOptions = optionsOf(first, rest)
  if (!(wait >= 0 && wait <= WAIT_MAX_MS))
    throw invalid(`wait ${quote(wait)} is not a time in milliseconds`, `give a number from 0 to ${WAIT_MAX_MS}`)
  // What is noted is noted once.
  let note = onNote
  return askUntil(
    () => {
      const checking = checkOnce({ ...options, onNote: note })
      note = undefined
      return checking
    },
    ({ verdict }) => verdict !== "nothing",
    wait
  )
}

/** Does what {@link check} does, synchronously. */
export function checkSync(options?: CheckOptions): PortCheck
export function checkSync(key: string, options?: CheckKeyOptions): PortCheck
export function checkSync(first?: string | CheckOptions, rest?: CheckKeyOptions): PortCheck {
  const { onNote, ...options }: CheckOptions = optionsOf(first, rest)
  return runSync({ call: "check", options }, onNote)
}
