import { SHELLS } from "../commands/shell.ts"
import type { Environment } from "../domain/Environment.ts"
import { requestPlainly } from "../socket/plainRequest.ts"
import { complete } from "./complete.ts"
import { completionText, MARK } from "./completionText.ts"
import { NOTHING_KNOWN } from "./known.ts"

/** How long Tab waits for a daemon, in milliseconds. */
const LIMIT_MS = 200

/**
 * Returns the answer to `d __complete SHELL WORD…`, which the functions of a shell read: the last word is the one at the
 * cursor. It never fails: without a daemon, what is in the registry is left out.
 */
export const runComplete = async (words: ReadonlyArray<string>, environment: Environment): Promise<string> => {
  const shell = SHELLS.find((each) => each === words[0])
  if (shell === undefined) return ""
  const given = words.slice(1)
  const completion = complete(shell, given)
  if (completion.live.length > 0) {
    const answer = await requestPlainly({ command: "complete", shell, words: given }, environment, LIMIT_MS)
    if (answer?.startsWith(MARK)) return answer.trimEnd()
  }
  return completionText(shell, completion, NOTHING_KNOWN)
}
