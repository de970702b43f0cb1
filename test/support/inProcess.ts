import { parseArgv } from "../../src/cli/argv.ts"
import type { CliContext } from "../../src/cli/CliContext.ts"
import { reportCrash } from "../../src/cli/crash.ts"
import { dispatch } from "../../src/cli/dispatch.ts"
import { ask, runBeside } from "../../src/run.ts"
import { plain } from "../../src/text/terminalStyle.ts"
import { asProgram, type Machine, machine, type Runner } from "./cli.ts"

/** Paths among the words are resolved while they are read. */
const parsedIn = (directory: string, words: ReadonlyArray<string>) => {
  const own = process.cwd()
  process.chdir(directory)
  try {
    return parseArgv(words)
  } finally {
    process.chdir(own)
  }
}

/**
 * Runs `d` in this process, from the sources: for what a command says and does, not for how its process starts and ends.
 * On the other versions of Node it is the built program all the same.
 */
export const inThisProcess: Runner = async (home, env, words) => {
  // A daemon would never end.
  if (words[0] === "daemon" || process.env["PORTS_TEST_SPAWN"] !== undefined) return asProgram(home, env, words)
  let code = 0
  let stdout = ""
  let stderr = ""
  const context: CliContext = {
    environment: env,
    directory: () => home,
    style: () => plain,
    errorWidth: () => undefined,
    isInteractive: () => false,
    canAsk: () => false,
    helpWidth: () => 100,
    writeStdout: (text) => {
      stdout += text
      return undefined
    },
    writeStderr: (text) => {
      stderr += text
    },
    setExitCode: (exitCode) => {
      code = exitCode
    }
  }
  await dispatch(context, parsedIn(home, words), { run: (task) => runBeside(context, task), ask }).catch((error) =>
    reportCrash(context, error, words.includes("--json"))
  )
  return { code, stdout, stderr }
}

/** A machine whose `d` and `ok` run in this process. */
export const inProcess = (env: Readonly<Record<string, string>> = {}): Machine => machine(env).by(inThisProcess)

const QUOTED = /(\$?)'([^']*)'/g

/** The words of a simple line of shell: bare, quoted, and with line breaks as `$'a\nb'`. */
export const wordsOf = (line: string): ReadonlyArray<string> =>
  (line.match(/(?:\$?'[^']*'|[^\s'])+/g) ?? []).map((word) =>
    word.replace(QUOTED, (_, ansi, text) => (ansi === "" ? text : text.replaceAll("\\n", "\n")))
  )
