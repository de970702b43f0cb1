import type { CommandError } from "../domain/CommandError.ts"
import type { Environment } from "../domain/Environment.ts"
import { wrongSocketPath } from "../socket/socketPath.ts"
import { quote } from "../text/escape.ts"

/** Returns the error in the environment variables that control the daemon, if there is one. */
export const wrongEnvironment = (environment: Environment, asksDaemon: boolean): CommandError | undefined => {
  const setting = environment["AUTOMATELINUX_DAEMON"]
  if (setting && !["auto", "never"].includes(setting))
    return {
      code: "invalid",
      message: `AUTOMATELINUX_DAEMON ${quote(setting)} is wrong: write auto or never`,
      hint: "correct it, or remove it to use the default"
    }
  return asksDaemon ? wrongSocketPath(environment) : undefined
}
