import { dirname, join } from "node:path"
import { homeDirectory } from "../machine/user.ts"
import type { ManagerMeans, WantedFile } from "./Manager.ts"
import { MARK, scopeOf, scriptPlace, scriptText } from "./startScript.ts"

/** The files of the service of launchd: its property list, and the script that it starts. */

export const LABEL = "com.automatelinux.ports"

type Value = boolean | number | string | ReadonlyArray<Value> | { readonly [key: string]: Value }

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** Formats a value of a property list, as lines. */
const linesOf = (value: Value): ReadonlyArray<string> => {
  if (typeof value === "boolean") return [value ? "<true/>" : "<false/>"]
  if (typeof value === "number") return [`<integer>${value}</integer>`]
  if (typeof value === "string") return [`<string>${escaped(value)}</string>`]
  const [tag, lines] = Array.isArray(value)
    ? ["array", value.flatMap(linesOf)]
    : ["dict", Object.entries(value).flatMap(([key, each]) => [`<key>${escaped(key)}</key>`, ...linesOf(each)])]
  return [`<${tag}>`, ...lines.map((line) => `  ${line}`), `</${tag}>`]
}

/** Returns the words of the property list that name the daemon's socket. */
export const socketElement = (socket: string): string => linesOf(socket).join("")

/** How long launchd waits before it starts the daemon again, in seconds. */
const THROTTLE = 5

const plistText = (socket: string, script: string, log: string): string =>
  [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    `<!-- ${MARK} -->`,
    '<plist version="1.0">',
    ...linesOf({
      Label: LABEL,
      ProgramArguments: ["/bin/sh", script],
      EnvironmentVariables: { AUTOMATELINUX_PORTS_SOCKET: socket },
      RunAtLoad: true,
      // A daemon that was told to stop exits with 0, and stays stopped.
      KeepAlive: { SuccessfulExit: false },
      ThrottleInterval: THROTTLE,
      Umask: 0o077,
      StandardOutPath: "/dev/null",
      StandardErrorPath: log
    }),
    "</plist>",
    ""
  ].join("\n")

/** Returns the files of the service as they should be; `log` is the file that it logs to. */
export const launchdFiles = (
  { environment, own, socket, uid }: ManagerMeans,
  log: string
): ReadonlyArray<WantedFile> => {
  const scope = scopeOf(uid)
  const library =
    scope === "system" ? "/Library/LaunchDaemons" : join(homeDirectory(environment), "Library/LaunchAgents")
  const script = scriptPlace(scope, environment)
  return [
    { file: script, text: scriptText(own, LABEL), mode: 0o755, directories: [dirname(script)] },
    // launchd's directory stays, even if it is empty.
    { file: join(library, `${LABEL}.plist`), text: plistText(socket, script, log), mode: 0o644, directories: [] }
  ]
}
