import type { ProxyApplied } from "../domain/Proxy.ts"
import { asTyped, isHarmless } from "./escape.ts"
import { changeVerb } from "./fileChange.ts"
import { forFile, type Printed, printed } from "./printed.ts"

/** Words the output of `d proxy`. */

/** Prints a text of a file: exactly as it is, or on a terminal so that nothing in it acts there. */
export const fileText = (text: string, isTerminal: boolean): Printed => {
  const shown = text.replaceAll("\t", "    ")
  if (!isTerminal) return forFile(text)
  return isHarmless(shown.replaceAll("\n", "")) ? forFile(shown) : printed(shown.split("\n"))
}

/** Formats what became of a file, or of a running Caddy at `admin`. */
export const appliedText = ({ change, dryRun, file }: ProxyApplied, admin: string): Printed =>
  printed([`${changeVerb(change, dryRun)} ${file === null ? `the route of d in Caddy at ${admin}` : asTyped(file)}`])

/** Quotes a path for the configuration of a proxy. */
const configPath = (path: string): string => (/^[\w./+@-]+$/.test(path) ? path : JSON.stringify(path))

/** The notes after a file was made or changed: how the proxy reads it. */
export const proxyNotes = (
  { change, file }: ProxyApplied,
  include: ((path: string) => string) | undefined,
  reload: string | undefined
): ReadonlyArray<string> =>
  file === null || change === "none"
    ? []
    : [
        ...(change === "made" && include !== undefined ? [`note: ${include(configPath(file))}`] : []),
        ...(reload === undefined ? [] : [`note: to have it read the change: ${reload}`])
      ]
