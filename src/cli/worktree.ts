import type { Invocation } from "./argv.ts"
import { askRegistry } from "./askDaemon.ts"
import type { CliContext } from "./CliContext.ts"
import { runEnv } from "./env.ts"
import { projectHere } from "./here.ts"
import { exitWith, tell, writeStdout } from "./output.ts"
import type { WithEffect } from "./Task.ts"

type Run = Pick<Invocation & { readonly _tag: "Run" }, "json" | "payload">

/** Lists the worktrees of a repository, or changes its hook. */
export const worktree = async (context: CliContext, { json, payload }: Run, withEffect: WithEffect): Promise<void> => {
  const { action, dir, dryRun } = payload
  const project = await projectHere(context, dir)
  if ("code" in project) return exitWith(context, project, json)
  const changes = action !== "list" && dryRun !== true
  if (dryRun === true && action !== "install" && action !== "uninstall")
    return exitWith(
      context,
      {
        code: "invalid",
        message: `--dry-run does not go with ${action}`,
        hint: "it goes with d worktree install and d worktree uninstall"
      },
      json
    )
  const { runWorktree } = await import("../worktree/worktree.ts")
  const told = await runWorktree(
    { action: String(action), dryRun: dryRun === true, json },
    {
      environment: context.environment,
      project,
      ask: (command, asked) => askRegistry(context, withEffect, command, asked),
      refresh: async (file) => {
        const request = { json: false, payload: { write: file, ifPresent: true, dir: project.root } }
        const outcome = await runEnv(context, request, withEffect)
        return "code" in outcome ? outcome : "state" in outcome.document && outcome.document.state === "written"
      },
      style: context.style(),
      tell: (...lines) => (lines.length > 0 ? tell(context, ...lines) : Promise.resolve())
    }
  )
  return typeof told === "object" ? exitWith(context, told, json) : writeStdout(context, told, json, changes)
}
