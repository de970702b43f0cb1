import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Environment } from "../domain/Environment.ts"
import type { ServiceProgram, ServiceScope } from "../domain/Service.ts"
import type { OwnProgram } from "../machine/ownProgram.ts"
import { tryRead } from "../machine/tryRead.ts"
import { xdgDirectory } from "../machine/user.ts"
import { shellWord } from "../text/shell.ts"

/** The files of the service: its two units, and the script that finds Node and d. */

export const SERVICE = "d-ports.service"
export const SOCKET = "d-ports.socket"

/** The facts that the files depend on. */
export interface Facts {
  readonly scope: ServiceScope
  readonly own: OwnProgram
  /** The path of the daemon's socket. */
  readonly socket: string
}

/** Returns the paths of the files. */
export const placesOf = (scope: ServiceScope, environment: Environment) => {
  const units = scope === "system" ? "/etc/systemd/system" : join(xdgDirectory(environment, "config"), "systemd/user")
  const data = scope === "system" ? "/usr/local/lib" : xdgDirectory(environment, "data")
  return {
    service: join(units, SERVICE),
    socket: join(units, SOCKET),
    script: join(data, "automatelinux/start-ports")
  }
}

/** Escapes a path for a unit, in which % begins a specifier. */
const escapeSpecifiers = (path: string): string => path.replaceAll("%", "%%")

/** Quotes a word for a unit. */
const quoted = (word: string): string => `"${escapeSpecifiers(word).replace(/[\\"]/g, "\\$&")}"`

const MARK = "Written by `d service install`."

/** Whether `d service` wrote a file, and not another program. */
export const isOurs = (text: string): boolean => text.includes(MARK)

/** Begins the line of the script that names the Node and the d that it starts first, as JSON. */
const PROGRAM = "# program: "

const scriptText = ({ own: { node, script } }: Facts): string => `#!/bin/sh
# Starts the daemon of d for ${SERVICE}. ${MARK}
${PROGRAM}${JSON.stringify({ node, script })}
start() {
  [ -x "$1" ] && [ -f "$2" ] && "$1" "$2" version >/dev/null 2>&1 && exec "$1" "$2" daemon
}
d=${shellWord(script)}
start ${shellWord(node)} "$d"
# Node was moved or removed since, perhaps with d: by nvm, fnm, mise, asdf, Volta or the system.
data=\${XDG_DATA_HOME:-$HOME/.local/share}
for node in "$(command -v node)" "$HOME"/.nvm/versions/node/*/bin/node \\
  "$data"/fnm/node-versions/*/installation/bin/node "$data"/mise/installs/node/*/bin/node \\
  "$HOME"/.asdf/installs/nodejs/*/bin/node "$HOME"/.volta/bin/node /usr/local/bin/node /usr/bin/node
do
  start "$node" "$d"
  start "$node" "\${node%/bin/node}/lib/node_modules/automatelinux-ports/dist/d.cjs"
done
echo "error: no Node runs $d" >&2
echo "hint: d service install" >&2
exit 1
`

/** Forbids what the daemon never needs. It must see the processes of its user, use netlink, and run git and ss. */
const HARDENING = `UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
`

/** Forbids more to root's service. A user's manager could not without hiding the user's processes. */
const SYSTEM_HARDENING = `ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=full
`

const serviceText = ({ scope, socket }: Facts, script: string): string => `# ${MARK}
[Unit]
Description=Registry of TCP ports
Requires=${SOCKET}
After=${SOCKET}
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh ${quoted(script.replaceAll("$", "$$$$"))}
Environment=${quoted(`AUTOMATELINUX_PORTS_SOCKET=${socket}`)}
Restart=on-failure
RestartSec=5
${HARDENING}${scope === "system" ? SYSTEM_HARDENING : ""}
[Install]
WantedBy=${scope === "system" ? "multi-user.target" : "default.target"}
`

const socketText = ({ socket }: Facts): string => `# ${MARK}
[Unit]
Description=Socket of the registry of TCP ports

[Socket]
ListenStream=${escapeSpecifiers(socket)}
SocketMode=0600
DirectoryMode=0700
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`

/** Returns the files of the service as they should be. */
export const filesOf = (facts: Facts, environment: Environment) => {
  const { script, service, socket } = placesOf(facts.scope, environment)
  return [
    { file: script, text: scriptText(facts), mode: 0o755 },
    { file: socket, text: socketText(facts), mode: 0o644 },
    { file: service, text: serviceText(facts, script), mode: 0o644 }
  ].map((each) => ({ ...each, directories: [dirname(each.file)] }))
}

/** Returns whose service this user's is. */
export const scopeOf = (uid: number): ServiceScope => (uid === 0 ? "system" : "user")

/** Returns the Node and the d that the installed service starts first; undefined if none is installed. */
export const installedProgram = (scope: ServiceScope, environment: Environment): ServiceProgram | undefined =>
  tryRead(() => {
    const lines = readFileSync(placesOf(scope, environment).script, "utf8").split("\n")
    const line = lines.find((each) => each.startsWith(PROGRAM)) ?? ""
    const { node, script } = JSON.parse(line.slice(PROGRAM.length))
    return { node, script, gone: [node, script].filter((path) => !existsSync(path)) }
  }, undefined)

/** Whether the services of a user go on when the user logs out. */
export const lingers = (user: string): boolean => existsSync(join("/var/lib/systemd/linger", user))
