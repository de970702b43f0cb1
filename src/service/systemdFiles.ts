import { dirname, join } from "node:path"
import type { ServiceScope } from "../domain/Service.ts"
import { xdgDirectory } from "../machine/user.ts"
import type { ManagerMeans, WantedFile } from "./Manager.ts"
import { MARK, scopeOf, scriptPlace, scriptText } from "./startScript.ts"

/** The files of the service of systemd: its two units, and the script that they start. */

export const SERVICE = "d-ports.service"
export const SOCKET = "d-ports.socket"

/** Escapes a path for a unit, in which % begins a specifier. */
const escapeSpecifiers = (path: string): string => path.replaceAll("%", "%%")

/** Quotes a word for a unit. */
const quoted = (word: string): string => `"${escapeSpecifiers(word).replace(/[\\"]/g, "\\$&")}"`

/** Returns the line of the service that names the daemon's socket. */
export const socketLine = (socket: string): string => `Environment=${quoted(`AUTOMATELINUX_PORTS_SOCKET=${socket}`)}\n`

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

const serviceText = (scope: ServiceScope, socket: string, script: string): string => `# ${MARK}
[Unit]
Description=Registry of TCP ports
Requires=${SOCKET}
After=${SOCKET}
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh ${quoted(script.replaceAll("$", "$$$$"))}
${socketLine(socket)}Restart=on-failure
RestartSec=5
${HARDENING}${scope === "system" ? SYSTEM_HARDENING : ""}
[Install]
WantedBy=${scope === "system" ? "multi-user.target" : "default.target"}
`

const socketText = (socket: string): string => `# ${MARK}
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
export const systemdFiles = ({ environment, own, socket, uid }: ManagerMeans): ReadonlyArray<WantedFile> => {
  const scope = scopeOf(uid)
  const units = scope === "system" ? "/etc/systemd/system" : join(xdgDirectory(environment, "config"), "systemd/user")
  const script = scriptPlace(scope, environment)
  return [
    { file: script, text: scriptText(own, SERVICE), mode: 0o755 },
    { file: join(units, SOCKET), text: socketText(socket), mode: 0o644 },
    { file: join(units, SERVICE), text: serviceText(scope, socket, script), mode: 0o644 }
  ].map((each) => ({ ...each, directories: [dirname(each.file)] }))
}
