import { readFileSync } from "node:fs"
import { basename, join } from "node:path"

/** Finds the tool that a command line starts, and gives it the port if it does not read PORT. */

/** A tool that takes its port from its command line. */
interface Tool {
  readonly name: string
  /** The subcommands that start a server; if not given, it is one unless it has a subcommand of `never`. */
  readonly serves?: ReadonlyArray<string>
  readonly never?: ReadonlyArray<string>
  /** The words that give it the port. `{port}` is replaced. */
  readonly words: ReadonlyArray<string>
  /** The words by which it fails if the port is in use, instead of taking another one. */
  readonly strict?: ReadonlyArray<string>
  /** The options by which the port may have been given already. */
  readonly options: ReadonlyArray<string>
}

const LONG = ["--port", "{port}"]

/** The tools, by the name of their program. docs/run.md has the table for users. */
export const TOOLS: ReadonlyArray<Tool> = [
  { name: "vite", never: ["build", "optimize"], words: LONG, strict: ["--strictPort"], options: ["--port"] },
  { name: "vitepress", serves: ["dev", "serve", "preview"], words: LONG, options: ["--port"] },
  { name: "react-router", serves: ["dev"], words: LONG, strict: ["--strictPort"], options: ["--port"] },
  { name: "astro", serves: ["dev", "preview"], words: LONG, options: ["--port"] },
  { name: "ng", serves: ["serve", "s"], words: LONG, options: ["--port"] },
  { name: "nuxt", serves: ["dev", "preview"], words: LONG, options: ["--port", "-p"] },
  { name: "rsbuild", never: ["build", "inspect"], words: LONG, options: ["--port"] },
  { name: "storybook", serves: ["dev"], words: LONG, strict: ["--exact-port"], options: ["--port", "-p"] },
  { name: "expo", serves: ["start"], words: LONG, options: ["--port", "-p"] },
  { name: "webpack", serves: ["serve", "server", "s"], words: LONG, options: ["--port"] },
  { name: "webpack-dev-server", words: LONG, options: ["--port"] },
  { name: "vue-cli-service", serves: ["serve"], words: LONG, options: ["--port"] },
  { name: "gatsby", serves: ["develop", "serve"], words: LONG, options: ["--port", "-p"] },
  { name: "docusaurus", serves: ["start", "serve"], words: LONG, options: ["--port", "-p"] },
  { name: "eleventy", words: LONG, options: ["--port"] },
  { name: "wrangler", serves: ["dev"], words: LONG, options: ["--port"] },
  { name: "uvicorn", words: LONG, options: ["--port"] },
  { name: "fastapi", serves: ["dev", "run"], words: LONG, options: ["--port"] },
  { name: "flask", serves: ["run"], words: LONG, options: ["--port", "-p"] },
  { name: "streamlit", serves: ["run"], words: ["--server.port", "{port}"], options: ["--server.port"] },
  { name: "rails", serves: ["server", "s"], words: LONG, options: ["--port", "-p"] },
  { name: "hugo", serves: ["server", "serve"], words: LONG, options: ["--port", "-p"] },
  { name: "jekyll", serves: ["serve", "server", "s"], words: LONG, options: ["--port", "-P"] },
  { name: "mkdocs", serves: ["serve"], words: ["--dev-addr", "127.0.0.1:{port}"], options: ["--dev-addr", "-a"] },
  // These take the port as a word. An option with a value before it would be taken for the port, so they get it alone.
  { name: "manage.py", serves: ["runserver"], words: ["{port}"], options: [] },
  { name: "http.server", words: ["{port}"], options: [] },
  { name: "php", serves: ["-S"], words: ["localhost:{port}"], options: [] }
]

/** A command line, reduced to the tool that it starts in the end. */
interface Found {
  readonly tool: Tool
  /** The words of the tool itself, its name first: of the command line, or of a script and what is added to it. */
  readonly words: ReadonlyArray<string>
  /** What comes before words that are added at the end of the command line. */
  readonly before: ReadonlyArray<string>
}

/** Programs that run what follows them, possibly after options. */
const PREFIXES: Readonly<Record<string, ReadonlyArray<ReadonlyArray<string>>>> = {
  npx: [[]],
  pnpx: [[]],
  bunx: [[]],
  npm: [["exec"], ["x"]],
  pnpm: [["exec"], ["dlx"]],
  yarn: [["exec"], ["dlx"]],
  bun: [["x"]],
  poetry: [["run"]],
  pipenv: [["run"]],
  uv: [["run"]],
  rye: [["run"]],
  hatch: [["run"]],
  bundle: [["exec"]],
  dotenv: [[]],
  env: [[]],
  "cross-env": [[]]
}

/** Their options that take a value. */
const WITH_VALUE = ["-p", "--package", "-e", "--file", "--with", "--python", "--group", "--extra"]

/** Options of package managers by which the script of another package is meant. */
const ELSEWHERE = /^(-C|-F|-r|-w|--(dir|cwd|prefix|filter|recursive|workspaces?))(=|$)/

const ASSIGNMENT = /^[A-Za-z_]\w*=/

/** Skips options and assignments, and returns the rest. */
const afterOptions = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  let at = 0
  while (at < words.length) {
    const word = words[at] ?? ""
    if (word === "--") return words.slice(at + 1)
    if (ASSIGNMENT.test(word)) at += 1
    else if (word.startsWith("-")) at += WITH_VALUE.includes(word) ? 2 : 1
    else break
  }
  return words.slice(at)
}

/** Returns the tool that a path is the program of: `vite` for `node_modules/vite/bin/vite.js`. */
const toolOfPath = (path: string): string => {
  const name = basename(path)
  const inside = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]
  return inside === undefined || path.includes("/.bin/") ? name : basename(inside)
}

const findTool = (words: ReadonlyArray<string>, before: ReadonlyArray<string>): Found | undefined => {
  const [first = "", ...rest] = words
  const name = toolOfPath(first).replace(/^nuxi$/, "nuxt")
  const tool = TOOLS.find((each) => each.name === name)
  if (tool === undefined) return undefined
  const { never = [], serves } = tool
  const isServer = serves === undefined || rest.some((word) => serves.includes(word))
  return isServer && !rest.some((word) => never.includes(word)) ? { tool, words, before } : undefined
}

/** Splits the text of a script into words; undefined if it is more than a chain of simple commands. */
const wordsOfScript = (script: string): ReadonlyArray<string> | undefined => {
  const last = script.split("&&").at(-1)?.trim() ?? ""
  if (/[|;&<>`$()\n]/.test(last)) return undefined
  return (last.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^(["'])(.*)\1$/, "$2"))
}

const scriptIn = (directory: string, name: string): string | undefined => {
  try {
    const { scripts } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8").replace(/^\uFEFF/, ""))
    const script = Object.hasOwn(scripts ?? {}, name) ? scripts[name] : undefined
    return typeof script === "string" ? script : undefined
  } catch {
    return undefined
  }
}

/** Package managers, with the words that run a script, and what comes before the words that are added to the script. */
const MANAGERS: Readonly<
  Record<string, { readonly run: ReadonlyArray<string>; readonly bare: boolean; readonly dashes: boolean }>
> = {
  npm: { run: ["run", "run-script", "rum"], bare: false, dashes: true },
  pnpm: { run: ["run"], bare: true, dashes: false },
  yarn: { run: ["run"], bare: true, dashes: false },
  bun: { run: ["run"], bare: true, dashes: false }
}

/** Finds the tool in the script that a package manager runs. */
const findScript = (program: string, words: ReadonlyArray<string>, directory: string): Found | undefined => {
  const manager = MANAGERS[program]
  if (manager === undefined || words.some((word) => ELSEWHERE.test(word))) return undefined
  const [verb = "", ...rest] = words.filter((word, at) => !word.startsWith("-") || words.slice(0, at).includes("--"))
  const isStart = program === "npm" && verb === "start"
  const [name = "", ...given] = manager.run.includes(verb) ? rest : manager.bare || isStart ? [verb, ...rest] : []
  const script = scriptIn(directory, name)
  const own = script === undefined ? undefined : wordsOfScript(script)
  if (own === undefined) return undefined
  const before = manager.dashes && !words.includes("--") ? ["--"] : []
  const found = findDirect(own, directory, false)
  // What is added to a script comes after its own --, where the tool does not read it.
  if (found === undefined || found.words.includes("--")) return undefined
  return { ...found, words: [...found.words, ...given], before }
}

/** Finds the tool behind a program that runs what follows it; undefined if `program` is none. */
const findPrefixed = (program: string, others: ReadonlyArray<string>, directory: string) => {
  for (const verb of PREFIXES[program] ?? []) {
    if (!verb.every((word, at) => others[at] === word)) continue
    const found = findDirect(afterOptions(others.slice(verb.length)), directory, false)
    // npm takes options after the tool for its own, unless they come after --.
    const dashes = program === "npm" && !others.includes("--") ? ["--"] : []
    return { found: found === undefined ? undefined : { ...found, before: [...dashes, ...found.before] } }
  }
  return undefined
}

/** Finds the tool that `words` start, without a script if `scripts` is false. */
const findDirect = (words: ReadonlyArray<string>, directory: string, scripts: boolean): Found | undefined => {
  const rest = words[0] !== undefined && ASSIGNMENT.test(words[0]) ? afterOptions(words) : words
  const [first = "", ...others] = rest
  const program = basename(first)
  const prefixed = findPrefixed(program, others, directory)
  if (prefixed !== undefined) return prefixed.found
  if (/^(python[\d.]*|py)$/.test(program))
    return others[0] === "-m" ? findTool(others.slice(1), []) : findDirect(others, directory, false)
  if (/^(node|ruby|bun)$/.test(program) && /[./]/.test(others[0] ?? "")) return findTool(others, [])
  const script = scripts ? findScript(program, others, directory) : undefined
  if (script !== undefined) return script
  if (scripts && MANAGERS[program]?.bare === true) return findTool(others, [])
  return findTool(rest, [])
}

const isGiven = ({ tool, words }: Found): boolean => {
  const rest = words.slice(1)
  if (rest.some((word) => tool.options.some((option) => word === option || word.startsWith(`${option}=`)))) return true
  // A tool that takes the port as a word.
  return tool.options.length === 0 && rest.some((word) => /^([\w.-]+:|\[.*\]:)?\d+$/.test(word))
}

/** Returns the words that give `port` to the tool that a command line starts; none if it reads PORT, has one, or is unknown. */
export const wordsFor = (words: ReadonlyArray<string>, directory: string, port: number): ReadonlyArray<string> => {
  const found = findDirect(words, directory, true)
  if (found === undefined || isGiven(found)) return []
  const { tool } = found
  const strict = (tool.strict ?? []).filter((word) => !found.words.includes(word))
  return [...found.before, ...tool.words.map((word) => word.replace("{port}", String(port))), ...strict]
}
