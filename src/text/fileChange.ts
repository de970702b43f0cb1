import type { FileChange } from "../domain/FileChange.ts"

const VERBS: Readonly<Record<FileChange, readonly [done: string, wouldBe: string]>> = {
  made: ["made", "would make"],
  changed: ["changed", "would change"],
  removed: ["removed", "would remove"],
  kept: ["kept", "would keep"],
  none: ["unchanged:", "unchanged:"]
}

/** Returns the words for a change, in front of the file. */
export const changeVerb = (change: FileChange, dryRun: boolean): string => VERBS[change][dryRun ? 1 : 0]
