import { type Container, imageName } from "../domain/Container.ts"
import type { IgnoredTarget } from "../domain/Ignored.ts"
import type { Listener } from "../domain/Listener.ts"
import { keyProblem } from "../domain/names.ts"
import type { Unstored } from "../domain/portHealth.ts"
import { quote } from "./escape.ts"
import { shellWord } from "./shell.ts"

/** Describes listeners, keys and time spans in words, and has the commands that several sentences share. */

/** `container shop-db-1, image postgres:16, compose project shop in /opt/dev/shop`, as far as it is known. */
export const describeContainer = (container: Container): string => {
  const { directory, id, name, project } = container
  const image = imageName(container)
  const place = directory === null ? [] : [`in ${directory}`]
  return [
    `container ${name ?? id}`,
    ...(image === undefined ? [] : [`image ${image}`]),
    ...(project === null ? place : [[`compose project ${project}`, ...place].join(" ")])
  ].join(", ")
}

/** `postgres:16 (shop-db-1)`, for a table: the image without its registry. `cut` shortens each of the two. */
export const shortContainer = (container: Container, cut = (text: string) => text): string => {
  const name = cut(container.name ?? container.id)
  const image = imageName(container)?.replace(/^.*\//s, "")
  return image === undefined ? `container ${name}` : `${cut(image)} (${name})`
}

/** Returns a command for the engine of a container. */
export const engineCommand = ({ cli }: Container, ...words: ReadonlyArray<string>): string =>
  [...cli, ...words].map(shellWord).join(" ")

/** `node, pid 4711, in /opt/dev/x`, or the container, as far as it is known. */
export const describeListener = (listener: Listener | null): string => {
  if (listener === null) return "an unknown process"
  if (listener.container !== null) return describeContainer(listener.container)
  if (listener.process === null) return `a process of ${listener.user} (details not visible to you)`
  const { command, container, directory, pid, proxy, unit } = listener.process
  return [
    command === null ? "a process" : command,
    `pid ${pid}`,
    ...(container === null ? [] : [proxy ? `for ${container} in a container` : `in container ${container}`]),
    ...(directory === null || directory === "/" ? (unit === null ? [] : [`of ${unit}`]) : [`in ${directory}`])
  ].join(", ")
}

const socketName = ({ address, port }: Listener): string =>
  `${address.includes(":") ? `[${address}]` : address}:${port}`

/** `listens on 127.0.0.1:3001 and [::1]:3001, of me, running since 2026-11-22T10:00:00.000Z`, for sockets of one process. */
export const describeSockets = (listeners: readonly [Listener, ...Array<Listener>]): string => {
  const [{ process, user }] = listeners
  return [
    `listens on ${listeners.map(socketName).join(" and ")}`,
    `of ${user}`,
    ...(process?.startedAt ? [`running since ${process.startedAt}`] : [])
  ].join(", ")
}

/** Describes what the database refused to store. */
export const describeUnstored = ({ key, port, what }: Pick<Unstored, "key" | "port" | "what">): string => {
  switch (what) {
    case "health":
      return `the health of ${port} (${nameOf(key)}) cannot be stored`
    case "listener":
      return `the description of the listener on ${port} (${nameOf(key)}) cannot be stored`
    case "owner":
      return `the owner of ${nameOf(key)}, which has ${port}, cannot be stored`
  }
}

/** Quotes a key if it is invalid, as another program may have written it. */
export const nameOf = (key: string): string => (keyProblem(key) === undefined ? key : quote(key))

/** How many keys one sentence names: another program may have written any number of rows. */
const NAMED = 6

export const names = (keys: ReadonlyArray<string>): string => {
  const plain = keys.slice(0, keys.length > NAMED ? NAMED - 1 : NAMED).map(nameOf)
  if (keys.length > plain.length) plain.push(`${keys.length - plain.length} others`)
  return plain.length < 2 ? plain.join() : `${plain.slice(0, -1).join(", ")} and ${plain.at(-1)}`
}

/** Describes what a rule for ignored findings is about: `port-taken of cad-dev`. */
export const describeTarget = ({ check, key, port }: IgnoredTarget): string =>
  [check, ...(key === null ? [] : [`of ${nameOf(key)}`]), ...(port === null ? [] : [`on ${port}`])].join(" ")

/** The command that reports findings again. */
export const unignoring = ({ check, key, port }: IgnoredTarget): string =>
  [
    `d doctor --unignore ${check}`,
    ...(key === null ? [] : [`--key ${key}`]),
    ...(port === null ? [] : [`--port ${port}`])
  ].join(" ")

export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

/** Formats a time span in its largest whole unit. */
export const age = (seconds: number): string => {
  const [size, unit] = UNITS.find(([each]) => seconds >= each) ?? [1, "second"]
  const count = Math.floor(seconds / size)
  return counted(count, unit)
}

const UNITS: ReadonlyArray<readonly [number, string]> = [
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"]
]

/** Comes before a command that only root may run. */
export const sudo = process.getuid?.() === 0 ? "" : "sudo "

/** The command that shows which process listens on `port`, even another user's. */
export const showProcess = (port: number): string => `${sudo}ss -ltnp 'sport = :${port}'`

/** The command that removes `keys`. An invalid key is not printed: it may contain shell syntax. */
export const removal = (...keys: ReadonlyArray<string>): string =>
  keys.every((key) => keyProblem(key) === undefined)
    ? keys.map((key) => `d deletePort --key ${key}`).join(" && ")
    : "see d doctor --check value-invalid"
