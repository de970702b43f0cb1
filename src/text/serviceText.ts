import type { ServiceResult, ServiceStatus } from "../domain/Service.ts"
import { changeVerb } from "./fileChange.ts"
import { type Printed, printed } from "./printed.ts"
import { shellWord } from "./shell.ts"

/** Words the output of `d service`. */

/** Formats what became of the service; with `--dry-run` what would become of it, with the files. */
export const serviceText = ({ dryRun, files, pid }: ServiceResult, socket: string): Printed =>
  printed([
    ...files.flatMap(({ change, file, text }) => [
      `${changeVerb(change, dryRun)} ${shellWord(file)}`,
      ...(dryRun && text !== null && change !== "none"
        ? text
            .trimEnd()
            .split("\n")
            .map((line) => `  ${line}`.trimEnd())
        : [])
    ]),
    ...(files.length === 0 ? ["no service is installed"] : []),
    ...(pid === null ? [] : [`the daemon answers at ${shellWord(socket)}, pid ${pid}`])
  ])

/** Formats the status of the service. */
export const statusText = ({
  enabled,
  installed,
  name,
  pid,
  program,
  scope,
  socket,
  state
}: ServiceStatus): Printed => {
  if (!installed) return printed(["no service is installed: d service install"])
  const starts = scope === "user" ? "starts at your login" : "starts with the machine"
  return printed([
    `${name} is ${state}${pid === null ? "" : `, pid ${pid}`}; ${enabled ? starts : "does not start on its own"}`,
    `socket  ${shellWord(socket)}`,
    ...(program === null
      ? []
      : [
          `node    ${shellWord(program.node)}`,
          `d       ${shellWord(program.script)}`,
          ...program.gone.map((path) => `${shellWord(path)} is gone: d service install`)
        ])
  ])
}
