import { isAbsolute } from "node:path"
import type { Shell } from "../commands/shell.ts"
import { settingsFile } from "../config/paths.ts"
import { IDENTIFYING_NAMES, variableOf } from "../config/settings.ts"
import { digest } from "../domain/digest.ts"
import type { Environment } from "../domain/Environment.ts"
import { fingerprintOf, registryOf } from "../socket/configFingerprint.ts"
import { currentUid, ownPaths } from "../socket/socketPath.ts"
import { bashFunctions } from "./bash.ts"
import { fishFunctions } from "./fish.ts"
import type { Place } from "./Place.ts"
import { zshFunctions } from "./zsh.ts"

/** The variables that decide where a daemon is, beside the settings that identify its registry. */
const VARIABLES = [
  "AUTOMATELINUX_PORTS_SOCKET",
  "AUTOMATE_LINUX_SOCKET_PATH",
  "HOME",
  "XDG_RUNTIME_DIR",
  "XDG_STATE_HOME",
  "XDG_CONFIG_HOME"
]

const placeIn = (environment: Environment): Place => ({
  sockets: ownPaths(environment, currentUid()).filter((path) => isAbsolute(path)),
  settingsFile: settingsFile(environment),
  registry: digest(registryOf(environment)),
  fingerprint: JSON.stringify(fingerprintOf(environment)),
  variables: [...IDENTIFYING_NAMES.map(variableOf), ...VARIABLES]
})

/** Returns what `d shell` prints. */
export const shellFunctions = (shell: Shell, environment: Environment): string => {
  switch (shell) {
    case "bash":
      return bashFunctions(placeIn(environment))
    case "zsh":
      return zshFunctions(placeIn(environment))
    case "fish":
      return fishFunctions
  }
}
