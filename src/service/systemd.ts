import { existsSync } from "node:fs"
import { join } from "node:path"
import { CommandFailed } from "../domain/CommandFailed.ts"
import { userName } from "../machine/user.ts"
import { shellWord } from "../text/shell.ts"
import type { Manager, ManagerMeans } from "./Manager.ts"
import { LINES, showLog } from "./showLog.ts"
import { scopeOf } from "./startScript.ts"
import { scopeWords, systemctlFor, valuesIn, withRuntimeDirectory } from "./systemctl.ts"
import { SERVICE, SOCKET, socketLine, systemdFiles } from "./systemdFiles.ts"

/** The service as systemd keeps it: it holds the socket, and starts the daemon at the first command. */

const UNITS = [SOCKET, SERVICE]

/** Whether the services of a user go on when the user logs out. */
export const lingers = (user: string): boolean => existsSync(join("/var/lib/systemd/linger", user))

/** Returns systemd as the manager of the service. Fails if none runs here, or none for this user. */
export const systemd = (means: ManagerMeans): Manager => {
  const { environment, socket, uid } = means
  const scope = scopeOf(uid)
  const systemctl = systemctlFor(scope, environment, uid)
  const files = systemdFiles(means)
  return {
    name: SERVICE,
    files,
    socketWords: socketLine(socket),
    checkPlaces: () => {
      const unit = files.at(-1)?.file ?? ""
      const directories = systemctl("show", "--property=UnitPath", "--value").split(" ")
      if (directories.some((directory) => unit.startsWith(`${directory}/`))) return
      throw new CommandFailed({
        code: "invalid",
        message: `systemd does not look for units where ${unit} would be`,
        hint: "unset XDG_CONFIG_HOME, which the session of this user does not have, and run this again"
      })
    },
    listens: () => systemctl("show", "--property=ActiveState", "--value", SOCKET) === "active",
    state: () => {
      const values = valuesIn(systemctl("show", "--property=MainPID,ActiveState,UnitFileState", SERVICE))
      return {
        enabled: values.get("UnitFileState") === "enabled",
        state: values.get("ActiveState") ?? "unknown",
        pid: Number(values.get("MainPID")) || null
      }
    },
    enable: async (isChanged) => {
      if (isChanged) {
        systemctl("daemon-reload")
        // A socket cannot be opened anew while its service runs.
        systemctl("stop", ...UNITS)
      }
      systemctl("enable", ...UNITS)
    },
    start: () => void systemctl("start", ...UNITS),
    restart: () => void systemctl("restart", SERVICE),
    disable: async () => void systemctl("disable", "--now", ...UNITS),
    forget: () => void systemctl("daemon-reload"),
    logs: (follow) =>
      showLog(
        "journalctl",
        [...scopeWords(scope), "--unit", SERVICE, "--lines", LINES, "--no-pager", ...(follow ? ["--follow"] : [])],
        withRuntimeDirectory(environment, uid),
        "install systemd's journal"
      ),
    notes: () =>
      scope === "user" && !lingers(userName())
        ? [
            `note: the service stops when you log out; to keep it running: loginctl enable-linger ${shellWord(userName())}`
          ]
        : []
  }
}
