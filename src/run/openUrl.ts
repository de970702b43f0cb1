import { spawn } from "node:child_process"
import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { findExecutable } from "../machine/executable.ts"

/** The programs that open a URL, in the order in which they are tried: a desktop's, WSL's, macOS's. */
const OPENERS = ["wslview", "xdg-open", "open"]

/** How long an opener may take to fail, in milliseconds. One that goes on longer is a browser that has been started. */
const LIMIT_MS = 5000

/** Opens `url` in the user's browser. Returns the error if that fails. */
export const openUrl = async (url: string, environment: Environment): Promise<CommandError | undefined> => {
  const path = environment["PATH"] ?? ""
  const found = OPENERS.flatMap((name) => {
    const executable = findExecutable(name, path)
    return executable._tag === "Found" ? [executable.path] : []
  })
  const [opener] = found
  const failed = (why: string): CommandError => ({
    code: "unavailable",
    message: `cannot open ${url}: ${why}`,
    hint: "open it yourself; d url prints it"
  })
  if (opener === undefined) return failed(`none of ${OPENERS.join(", ")} was found`)
  return new Promise((done) => {
    const child = spawn(opener, [url], { detached: true, stdio: "ignore", env: environment })
    const timer = setTimeout(() => done(undefined), LIMIT_MS)
    const end = (failure: CommandError | undefined) => {
      clearTimeout(timer)
      done(failure)
    }
    child.once("error", (error: NodeJS.ErrnoException) => end(failed(`${opener}: ${error.code}`)))
    child.once("exit", (code) => end(code === 0 ? undefined : failed(`${opener} ended with ${code}`)))
    child.unref()
  })
}
