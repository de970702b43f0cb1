import { requestDaemon } from "../socket/daemonClient.ts"
import type { Invocation } from "./argv.ts"
import type { CliContext } from "./CliContext.ts"
import { noDaemon } from "./noDaemon.ts"
import { exitWith, writeStdout } from "./output.ts"
import { serviceMeans } from "./service.ts"

type Run = Pick<Invocation & { readonly _tag: "Run" }, "json" | "payload">

/** Starts, ends or shows a daemon in the background. */
export const controlDaemon = async (context: CliContext, { json, payload }: Run): Promise<void> => {
  const { environment } = context
  const means = serviceMeans(context)
  const isPiped = context.style().width === undefined
  const { runControl } = await import("../control/control.ts")
  const span = isPiped ? undefined : (await import("../text/terminalText.ts")).span
  const told = await runControl(
    { action: String(payload["action"]), json, span },
    {
      ...means,
      noDaemon: async () => {
        const reply = await requestDaemon({ command: "ping", payload: {}, environment, any: true })
        // It answers this, but not what only a daemon of d answers.
        const other = { _tag: "NoDaemon", path: means.socket, why: "another program" } as const
        return noDaemon(environment, reply._tag === "Reply" ? other : reply)
      }
    }
  )
  if ("code" in told) return exitWith(context, told, json)
  await writeStdout(context, told.text, json, told.isChange)
}
