import { version } from "../../package.json"
import { stablePaths } from "../machine/ownProgram.ts"
import type { ServiceMeans } from "../service/service.ts"
import { requestOnce } from "../socket/daemonClient.ts"
import { currentUid, serverPath } from "../socket/socketPath.ts"
import type { Invocation } from "./argv.ts"
import type { CliContext } from "./CliContext.ts"
import { exitWith, tell, writeStdout } from "./output.ts"

type Run = Pick<Invocation & { readonly _tag: "Run" }, "json" | "payload">

/** How long a daemon that has just been started may take for an answer. */
const PING_MS = 2000

/** Returns the means for commands that start and end daemons. */
export const serviceMeans = (context: CliContext): ServiceMeans => {
  const { environment } = context
  const uid = currentUid()
  const socket = serverPath(environment, uid)
  return {
    environment,
    uid,
    own: stablePaths(process.execPath, process.argv[1] ?? ""),
    socket,
    platform: process.platform,
    version,
    ping: async (path = socket) => {
      const reply = await requestOnce(path, "ping", environment, PING_MS, true)
      if (reply._tag !== "Reply" || !reply.reply.ok) return undefined
      return { pid: reply.reply.result.pid, version: reply.reply.version }
    },
    tell: (...lines) => tell(context, ...lines)
  }
}

/** Runs the daemon as a service of systemd or launchd, or shows what is installed. */
export const service = async (context: CliContext, { json, payload }: Run): Promise<void> => {
  const { action, dryRun, follow } = payload
  const wrong =
    dryRun === true && action !== "install" && action !== "uninstall"
      ? { message: `--dry-run does not go with ${action}`, hint: "it goes with d service install and uninstall" }
      : follow === true && action !== "logs"
        ? { message: `--follow does not go with ${action}`, hint: "it goes with d service logs" }
        : json && action === "logs"
          ? {
              message: "--json does not go with logs",
              hint: "on Linux, journalctl --output json has each line as a document"
            }
          : undefined
  if (wrong !== undefined) return exitWith(context, { code: "invalid", ...wrong }, json)
  const { runService } = await import("../service/service.ts")
  const request = { action: String(action), dryRun: dryRun === true, follow: follow === true, json }
  const told = await runService(request, serviceMeans(context))
  if ("code" in told) return exitWith(context, told, json)
  if (told.exitCode !== 0) context.setExitCode(told.exitCode)
  if (told.text !== undefined) await writeStdout(context, told.text, json, action !== "status" && dryRun !== true)
}
