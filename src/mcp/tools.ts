import type { Answer } from "../commands/Answer.ts"
import type { RegistryCommand } from "../commands/commands.ts"
import type { Results } from "../commands/Results.ts"
import { CommandFailed } from "../domain/CommandFailed.ts"
import { portUrl } from "../domain/portUrl.ts"
import { formatResult } from "../text/formatResult.ts"
import { adviceOnCheck, adviceOnPort } from "./advice.ts"
import { argumentsOf, CWD, count, flag, MODE, portNamed, RESULTS, text } from "./schemas.ts"
import type { Arguments, NamedProject, Tool, ToolMeans, ToolResult } from "./Tool.ts"

const READS = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false } as const
const ADDS = { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false } as const
const REMOVES = { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false } as const

const invalid = (message: string, hint: string) => new CommandFailed({ code: "invalid", message, hint })

const must = <N extends RegistryCommand>(answer: Answer<N>) => {
  if (!answer.ok) throw new CommandFailed(answer.error)
  return answer
}

/** Returns the directory that is given as `cwd`, and names for its app; undefined if none is given. */
const directoryOf = async ({ cwd }: Arguments, means: ToolMeans) => {
  if (cwd === undefined) return undefined
  if (typeof cwd !== "string" || !cwd.startsWith("/"))
    throw invalid("cwd is not an absolute path", "give the directory that you work in, as pwd prints it")
  const project = await means.projectOf(cwd)
  if ("code" in project) throw new CommandFailed(project)
  return project
}

/** Returns the fields of a request for the names of the app of `project`. */
const namesOf = ({ formerly, names }: NamedProject) => ({ suggested: names, formerly })

/** Returns the arguments that name a key: given, or by the app of the directory. One of them is needed. */
const named = async (given: Arguments, means: ToolMeans): Promise<Arguments & { readonly directory?: string }> => {
  const { cwd: _, ...rest } = given
  const project = await directoryOf(given, means)
  const isNamed = rest["key"] !== undefined || rest["app"] !== undefined
  if (project === undefined) {
    if (!isNamed) throw invalid("neither cwd, key nor app is given", "give cwd, the directory that you work in")
    return rest
  }
  return { ...rest, directory: project.root, ...(isNamed ? {} : namesOf(project)) }
}

/** A result with its text, the notes about it, and advice. */
const said = async <N extends RegistryCommand>(
  command: N,
  { notes, result }: { readonly result: Results[N]; readonly notes: ReadonlyArray<string> },
  advice?: string
): Promise<ToolResult> => ({
  result: { ...result, ...(advice === undefined ? {} : { advice }) },
  text: [await formatResult(command, result, {}), ...notes, advice ?? ""].filter((line) => line !== "").join("\n")
})

const allocate: Tool = {
  name: "allocate",
  title: "Get the port of a project",
  description:
    "Returns the TCP port of the app in a directory, or of a named app or service, and claims one if it has none. Call it before you start a server, instead of choosing a port. Each git worktree has a port of its own. Safe to repeat.",
  input: argumentsOf({
    cwd: CWD,
    app: text("an app, instead of the one of the directory"),
    mode: MODE,
    key: text("one key, such as redis for a service that is not an app")
  }),
  output: RESULTS.allocate,
  annotations: ADDS,
  run: async (given, means) => {
    const names = await named(given, means)
    const { notes, result } = must(await means.ask("claim", names))
    const { key, port } = result
    const { directory } = names
    const checked =
      directory === undefined || result.inUse === false
        ? undefined
        : must(await means.ask("check", { key, directory })).result
    const advice =
      checked === undefined || checked.verdict === "nothing"
        ? `start the server with d run COMMAND, which gives it PORT=${port}, or on port ${port} by hand`
        : adviceOnCheck(checked)
    const url = portUrl(port)
    return {
      result: { ...result, url, advice },
      text: [`${key} has ${port} (${url})`, ...notes, advice].join("\n")
    }
  }
}

const get: Tool = {
  name: "get",
  title: "Look up a port",
  description: "Returns the port and the URL of a key, or of the app in a directory. Claims nothing.",
  input: argumentsOf({ key: text("a key, such as cad-dev"), app: text("an app"), mode: MODE, cwd: CWD }),
  output: RESULTS.get,
  annotations: READS,
  run: async (given, means) => {
    const answer = await means.ask("url", await named(given, means))
    if (!answer.ok && answer.error.code === "not-set")
      throw new CommandFailed({ ...answer.error, hint: "call allocate, which claims a port if there is none" })
    const { notes, result } = must(answer)
    return { result: { ...result }, text: [`${result.key} has ${result.port} (${result.url})`, ...notes].join("\n") }
  }
}

const list: Tool = {
  name: "list",
  title: "List all ports",
  description: "Lists every assigned port, with what it is for and whether it is up.",
  input: argumentsOf({ app: text("only the ports of this app"), health: text("only up, down, stale or unknown") }),
  output: RESULTS.list,
  annotations: READS,
  run: async (given, means) => {
    const answer = must(await means.ask("listPorts", given))
    return { ...(await said("listPorts", answer)), result: { ports: answer.result } }
  }
}

const explain: Tool = {
  name: "explain",
  title: "Explain a port",
  description:
    "Says everything about one port: who has it, what listens on it and in which directory or worktree, and what to do. Call it after EADDRINUSE, before you do anything else.",
  input: argumentsOf({ port: portNamed("the port"), key: text("or the key that has it"), cwd: CWD }),
  output: RESULTS.explain,
  annotations: READS,
  run: async (given, means) => {
    const { cwd: _, ...asked } = given
    const project = await directoryOf(given, means)
    const answer = must(await means.ask("explain", asked))
    const directory = project?.root
    const yours = project === undefined ? undefined : await means.ask("url", { directory, ...namesOf(project) })
    return said(
      "explain",
      answer,
      adviceOnPort(answer.result, directory, yours?.ok === true ? yours.result : undefined)
    )
  }
}

const check: Tool = {
  name: "check",
  title: "Check whose server answers",
  description:
    "Checks whether the server on a port belongs to a directory: own, nothing, other or unknown. Call it before you test against a server: one of another worktree makes tests pass or fail for nothing.",
  input: argumentsOf(
    { cwd: CWD, key: text("a key, instead of the directory's own"), app: text("an app"), mode: MODE },
    ["cwd"]
  ),
  output: RESULTS.check,
  annotations: READS,
  run: async (given, means) => {
    if (given["cwd"] === undefined) throw invalid("cwd is missing", "give the directory that you work in")
    const answer = must(await means.ask("check", await named(given, means)))
    return said("check", answer, adviceOnCheck(answer.result))
  }
}

const doctor: Tool = {
  name: "doctor",
  title: "Find problems",
  description:
    "Says which ports are unreachable, stale or in conflict, with evidence and a fix for each. Changes nothing.",
  input: argumentsOf({}),
  output: RESULTS.doctor,
  annotations: READS,
  run: async (_, means) => said("doctor", must(await means.ask("doctor", {})))
}

const listOf = (name: unknown) => (name === undefined ? undefined : [name])

const release: Tool = {
  name: "release",
  title: "Give ports back",
  description:
    "Releases the pair of an app, or the port of a special service. Refuses what is up, unless force is true.",
  input: argumentsOf({
    app: text("an app"),
    special: text("a special service"),
    force: flag("release it even if something listens on it")
  }),
  output: RESULTS.release,
  annotations: REMOVES,
  run: async ({ app, force, special }, means) =>
    said("release", must(await means.ask("release", { app: listOf(app), special: listOf(special), force })))
}

const history: Tool = {
  name: "history",
  title: "Show what was changed",
  description:
    "Lists the operations that changed ports, newest first: when, by whom, and which ports. Undo takes their numbers.",
  input: argumentsOf({
    key: text("only operations on this key"),
    app: text("only operations on this app"),
    port: portNamed("only operations on this port"),
    since: text("only since then: 2026-11-26, or a time span such as 2 days"),
    limit: count("at most so many; default 20")
  }),
  output: RESULTS.history,
  annotations: READS,
  run: async (given, means) => said("history", must(await means.ask("history", given)))
}

const undo: Tool = {
  name: "undo",
  title: "Take back a change",
  description:
    "Takes back one operation as a whole, by its number from history. Refuses if something was changed since. Take back your own operations only, unless the user asks for more.",
  input: argumentsOf(
    {
      number: count("the number of the operation"),
      dryRun: flag("only show what would be taken back"),
      force: flag("share a port that another key has by now, and take back ports that are up")
    },
    ["number"]
  ),
  output: RESULTS.undo,
  annotations: REMOVES,
  run: async (given, means) => {
    if (given["number"] === undefined) throw invalid("number is missing", "call history for the numbers")
    return said("undo", must(await means.ask("undo", given)))
  }
}

export const tools: ReadonlyArray<Tool> = [allocate, get, list, explain, check, doctor, release, history, undo]
