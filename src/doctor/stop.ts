import { nameInCommand } from "../domain/Container.ts"
import { type Fix, fix } from "../domain/Finding.ts"
import type { Listener, Process } from "../domain/Listener.ts"
import { userName } from "../machine/user.ts"
import { engineCommand, showProcess, sudo } from "../text/describe.ts"
import { shellWord } from "../text/shell.ts"

/**
 * A desktop runs each of its apps in a unit of this form, a terminal with everything in it included. To stop the unit would
 * close the terminal.
 */
const DESKTOP_APP = /^app-.*@.*\.service$/

/** A process that is a part of a container engine listens for a container: the engine itself is never stopped. */
const isPart = ({ container, engine, proxy }: Process): boolean => proxy || (engine !== null && container === null)

const systemctl = (verb: string, unit: string, { process, user }: Listener): string => {
  const service = shellWord(unit)
  if (process?.userUnit !== true) return `${sudo}systemctl ${verb} ${service}`
  return user === userName()
    ? `systemctl --user ${verb} ${service}`
    : `${sudo}systemctl --user --machine=${shellWord(`${user}@`)} ${verb} ${service}`
}

/** Returns the command that runs `verb` on what listens, a unit as a unit and a container as a container. */
const commandFor = (verb: "restart" | "stop", listener: Listener): string | undefined => {
  const { process } = listener
  if (process === null) return undefined
  const { container, engine, unit } = process
  // Kubernetes starts a container again that was stopped with crictl, which knows no restart.
  if (container !== null && engine === "crictl") return `${sudo}crictl stop ${container}`
  if (container !== null && engine !== null) return `${engine} ${verb} ${container}`
  return unit === null || DESKTOP_APP.test(unit) ? undefined : systemctl(verb, unit, listener)
}

/** Prefixes a command that only the user of the process may run. */
const asItsUser = ({ user }: Listener): string => (user === userName() ? "" : sudo)

/** Returns how to find out which container publishes the port, to run `verb` on it. */
const containerOf = (verb: "restart" | "stop", { port }: Listener, engine: Process["engine"]): Fix =>
  engine === "podman"
    ? fix("podman ps", `shows which container publishes ${port}; ${verb} it with podman ${verb} NAME`)
    : fix(`docker ps --filter publish=${port}`, `shows the container; ${verb} it with docker ${verb} NAME`)

/** Returns the command that shows the process behind a listener, and who else might know. */
export const identify = ({ container, port, user }: Listener): Fix => {
  if (container !== null)
    return fix(engineCommand(container, "ps", "--filter", `id=${container.id}`), "shows the container")
  return fix(
    showProcess(port),
    user === "root"
      ? `shows the process; if a container publishes the port, docker ps --filter publish=${port} names it`
      : "shows the process"
  )
}

/** Returns how to stop what listens. It never stops a container engine, which would end all containers. */
export const stop = (listener: Listener): Fix => {
  const { container, process } = listener
  if (container !== null) return fix(engineCommand(container, "stop", nameInCommand(container)))
  if (process === null) return identify(listener)
  if (isPart(process)) return containerOf("stop", listener, process.engine)
  return fix(commandFor("stop", listener) ?? `${asItsUser(listener)}kill ${process.pid}`)
}

/** Returns how to restart what listens. */
export const restartServer = (listener: Listener): Fix => {
  const { container, process } = listener
  if (container !== null) return fix(engineCommand(container, "restart", nameInCommand(container)))
  if (process === null) return identify(listener)
  if (isPart(process)) return containerOf("restart", listener, process.engine)
  const command = commandFor("restart", listener)
  return command === undefined ? fix(`${asItsUser(listener)}kill ${process.pid}`, "and start it again") : fix(command)
}

/** Returns the command that continues a stopped process. */
export const resume = (listener: Listener): Fix => fix(`${asItsUser(listener)}kill -CONT ${listener.process?.pid}`)
