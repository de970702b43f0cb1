import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Environment } from "../domain/Environment.ts"
import type { ServiceProgram, ServiceScope } from "../domain/Service.ts"
import type { OwnProgram } from "../machine/ownProgram.ts"
import { tryRead } from "../machine/tryRead.ts"
import { xdgDirectory } from "../machine/user.ts"
import { shellWord } from "../text/shell.ts"

/** The script that finds Node and d, which every service manager starts, and the mark of all files of the service. */

export const MARK = "Written by `d service install`."

/** Whether `d service` wrote a file, and not another program. */
export const isOurs = (text: string): boolean => text.includes(MARK)

/** Returns whose service this user's is. */
export const scopeOf = (uid: number): ServiceScope => (uid === 0 ? "system" : "user")

/** Returns the path of the script. */
export const scriptPlace = (scope: ServiceScope, environment: Environment): string =>
  join(scope === "system" ? "/usr/local/lib" : xdgDirectory(environment, "data"), "automatelinux/start-ports")

/** Begins the line of the script that names the Node and the d that it starts first, as JSON. */
const PROGRAM = "# program: "

/** Returns the text of the script for the service `name`. */
export const scriptText = ({ node, script }: OwnProgram, name: string): string => `#!/bin/sh
# Starts the daemon of d for ${name}. ${MARK}
${PROGRAM}${JSON.stringify({ node, script })}
start() {
  [ -x "$1" ] && [ -f "$2" ] && "$1" "$2" version >/dev/null 2>&1 && exec "$1" "$2" daemon
}
d=${shellWord(script)}
start ${shellWord(node)} "$d"
# Node was moved or removed since, perhaps with d: by nvm, fnm, mise, asdf, Volta, Homebrew or the system.
data=\${XDG_DATA_HOME:-$HOME/.local/share}
for node in "$(command -v node)" "$HOME"/.nvm/versions/node/*/bin/node \\
  "$data"/fnm/node-versions/*/installation/bin/node "$data"/mise/installs/node/*/bin/node \\
  "$HOME"/.asdf/installs/nodejs/*/bin/node "$HOME"/.volta/bin/node \\
  /opt/homebrew/bin/node /usr/local/bin/node /usr/bin/node
do
  start "$node" "$d"
  start "$node" "\${node%/bin/node}/lib/node_modules/automatelinux-ports/dist/d.cjs"
done
echo "error: no Node runs $d" >&2
echo "hint: d service install" >&2
exit 1
`

/** Returns the Node and the d that the installed service starts first; undefined if none is installed. */
export const installedProgram = (scope: ServiceScope, environment: Environment): ServiceProgram | undefined =>
  tryRead(() => {
    const lines = readFileSync(scriptPlace(scope, environment), "utf8").split("\n")
    const line = lines.find((each) => each.startsWith(PROGRAM)) ?? ""
    const { node, script } = JSON.parse(line.slice(PROGRAM.length))
    return { node, script, gone: [node, script].filter((path) => !existsSync(path)) }
  }, undefined)
