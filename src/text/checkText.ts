import type { PortCheck } from "../domain/PortCheck.ts"
import { describeContainer, nameOf } from "./describe.ts"

type Checked = PortCheck["listeners"][number]

/** `node, pid 4711, in /opt/dev/cad`, or the container, as far as it is known. */
const describe = ({ app, command, container, containerDetails, directory, pid, user }: Checked): string => {
  const place = app === null ? [] : [`the directory of ${app}`]
  if (containerDetails) return [describeContainer(containerDetails), ...place].join(", ")
  if (pid === null && container === null) return `a process of ${user} (details not visible to you)`
  return [
    ...(pid === null ? [] : [`${command ?? "a process"}, pid ${pid}`]),
    ...(container === null ? [] : [`container ${container}`]),
    ...(directory === null ? [] : [`in ${directory}`, ...place])
  ].join(", ")
}

/** Returns the lines that say whose server answers on a port. */
export const checkLines = ({ directory, key, listeners, port, verdict }: PortCheck): ReadonlyArray<string> => {
  const shown = `${port} (${nameOf(key)})`
  const by = (own: boolean | null) =>
    [...new Set(listeners.filter((each) => each.own === own).map(describe))].join("; and by ")
  switch (verdict) {
    case "own":
      return [`${shown} is served by ${by(true)}`]
    case "nothing":
      return [`nothing listens on ${shown}`]
    case "other":
      return [`${shown} is served by ${by(false)}, not from ${directory}`]
    case "unknown":
      return [
        `cannot tell whether ${shown} is served from ${directory}: ${listeners.length === 0 ? "something answers, and no process is visible" : `by ${by(null)}`}`
      ]
  }
}
