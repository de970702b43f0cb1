import { readdirSync } from "node:fs"
import { join } from "node:path"
import type { Answer } from "../commands/Answer.ts"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import type { CommandError } from "../domain/CommandError.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import type { WorktreeSetup } from "../domain/Worktrees.ts"
import { worktreeOf } from "../machine/gitWorktree.ts"
import type { Project } from "../project/project.ts"
import { type Printed, printedJson } from "../text/printed.ts"
import type { Style } from "../text/terminalStyle.ts"
import { hookText, setupText, worktreeTable } from "../text/worktreeText.ts"
import { type Git, gitIn } from "./git.ts"
import { install, uninstall } from "./install.ts"
import { listWorktrees } from "./list.ts"

type Ask = <N extends RegistryCommand>(command: N, payload: Readonly<Record<string, unknown>>) => Promise<Answer<N>>

/** What `d worktree` needs of the client. */
export interface WorktreeMeans {
  readonly environment: Environment
  readonly project: Project
  readonly ask: Ask
  /** Brings the block of `d env` in a file up to date, if it has one. Returns whether that changed it, or the error. */
  readonly refresh: (file: string) => Promise<boolean | CommandError>
  readonly style: Style
  /** Writes lines to standard error. */
  readonly tell: (...lines: ReadonlyArray<string>) => Promise<void>
}

interface Request {
  readonly action: string
  readonly dryRun: boolean
  readonly json: boolean
}

/** Returns the result of an answer and tells its notes, or fails with its error. */
const must = async <N extends keyof Results>(answer: Answer<N>, { tell }: WorktreeMeans): Promise<Results[N]> => {
  if (!answer.ok) throw new CommandFailed(answer.error)
  await tell(...answer.notes)
  return answer.result
}

/** Brings the environment files of a worktree up to date. Returns those that were changed; a damaged one is left as it is. */
const refreshFiles = async ({ project, refresh, tell }: WorktreeMeans): Promise<ReadonlyArray<string>> => {
  const changed: Array<string> = []
  for (const name of readdirSync(project.root).filter((each) => /^\.env(\.|$)/.test(each))) {
    const file = join(project.root, name)
    const refreshed = await refresh(file)
    if (typeof refreshed === "object") await tell(`note: ${refreshed.message}`)
    else if (refreshed) changed.push(file)
  }
  return changed
}

/** Claims the pair of a worktree, if it has none. */
const setUp = async (means: WorktreeMeans): Promise<WorktreeSetup> => {
  const { formerly, names, root } = means.project
  const asked = { suggested: names, formerly, directory: root }
  const dev = await must(await means.ask("claim", { ...asked, mode: "dev" }), means)
  const prod = await must(await means.ask("claim", { ...asked, mode: "prod" }), means)
  return {
    app: dev.app ?? dev.key,
    directory: root,
    created: dev.created || prod.created,
    prod: prod.port,
    dev: dev.port,
    written: await refreshFiles(means)
  }
}

const changeHook = async (git: Git, root: string, { action, dryRun, json }: Request, means: WorktreeMeans) => {
  const { notes, result } =
    action === "install" ? install(git, root, means.environment, dryRun) : uninstall(git, root, dryRun)
  await means.tell(...notes)
  return json ? printedJson(result) : hookText(result, action)
}

const run = async (request: Request, means: WorktreeMeans): Promise<Printed> => {
  const { json } = request
  if (request.action === "setup") {
    const result = await setUp(means)
    return json ? printedJson(result) : setupText(result)
  }
  const root = worktreeOf(means.project.root)?.root ?? means.project.root
  const git = gitIn(root, means.environment)
  if (request.action !== "list") return changeHook(git, root, request, means)
  const assignments = await must(await means.ask("listPorts", {}), means)
  const worktrees = listWorktrees(git, root, assignments)
  return json ? printedJson(worktrees) : worktreeTable(worktrees, means.style)
}

/** Runs `d worktree`, and returns what it prints, or its error. */
export const runWorktree = async (request: Request, means: WorktreeMeans): Promise<Printed | CommandError> => {
  try {
    return await run(request, means)
  } catch (error) {
    if (error instanceof CommandFailed) return error.error
    throw error
  }
}
