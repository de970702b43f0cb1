import { createHash } from "node:crypto"
import { readFileSync, realpathSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Environment } from "../domain/Environment.ts"
import { fieldIn } from "./json.ts"
import { nameOfUser } from "./processes.ts"
import { tryRead } from "./tryRead.ts"
import { homeDirectory } from "./user.ts"

/** Finds the sockets of the container engines that this user may have. */

export type EngineName = "docker" | "podman"

/** The socket of a container engine. */
export interface EngineSocket {
  readonly path: string
  /** The user that the engine runs as, by its login name. */
  readonly user: string
  /** The engine that usually has this socket. */
  readonly engine: EngineName
  /** The words that a command for the engine begins with, by what it is. */
  readonly cli: Readonly<Record<EngineName, ReadonlyArray<string>>>
}

/** The sockets that engines make, in the home, the runtime directory or the system. */
const PLACES = [
  ["docker", "system", "/var/run/docker.sock"],
  // Without root.
  ["docker", "runtime", "docker.sock"],
  // Docker Desktop, on macOS and on Linux.
  ["docker", "home", ".docker/run/docker.sock"],
  ["docker", "home", ".docker/desktop/docker.sock"],
  ["docker", "home", ".colima/default/docker.sock"],
  ["docker", "home", ".orbstack/run/docker.sock"],
  // Rancher Desktop.
  ["docker", "home", ".rd/docker.sock"],
  ["podman", "system", "/run/podman/podman.sock"],
  ["podman", "runtime", "podman/podman.sock"]
] as const

const [[, , DOCKER]] = PLACES

/** The longest file of Docker's configuration that is read, in bytes. */
const CONFIG_MAX = 64 * 1024

/** Returns the path in `unix://PATH`. Engines that are reached in another way are not asked. */
const pathIn = (url: unknown): string | undefined =>
  typeof url === "string" ? /^unix:\/\/(\/.+)$/.exec(url)?.[1] : undefined

/** Reads a file of Docker's configuration; undefined if there is none, or none that is one. */
const readConfig = (path: string): unknown =>
  tryRead(() => {
    const found = statSync(path)
    return found.isFile() && found.size <= CONFIG_MAX ? JSON.parse(readFileSync(path, "utf8")) : undefined
  }, undefined)

/** Returns the socket that `docker` uses if DOCKER_HOST is not set: that of its context. Undefined if it uses none. */
const dockersOwn = (environment: Environment): string | undefined => {
  const folder = environment["DOCKER_CONFIG"] || join(homeDirectory(environment), ".docker")
  const context = environment["DOCKER_CONTEXT"] || fieldIn(readConfig(join(folder, "config.json")), "currentContext")
  if (typeof context !== "string" || context === "" || context === "default") return DOCKER
  const id = createHash("sha256").update(context).digest("hex")
  return pathIn(fieldIn(readConfig(join(folder, "contexts/meta", id, "meta.json")), "Endpoints", "docker", "Host"))
}

/**
 * Returns the sockets that are there, each once: one may be a link to another. Another user's engine is left out unless
 * DOCKER_HOST names it: root may have that user's environment.
 */
export const engineSockets = (environment: Environment): ReadonlyArray<EngineSocket> => {
  const uid = process.getuid?.() ?? 0
  const folders = {
    system: "/",
    runtime: environment["XDG_RUNTIME_DIR"] || `/run/user/${uid}`,
    home: homeDirectory(environment)
  }
  const real = (path: string | undefined) => (path === undefined ? undefined : tryRead(() => realpathSync(path), path))
  const standard = PLACES.map(([engine, place, name]) => ({ engine, place, path: join(folders[place], name) }))
  const own = {
    docker: dockersOwn(environment),
    podman: standard.find(({ engine, place }) => engine === "podman" && place === (uid === 0 ? "system" : "runtime"))
      ?.path
  }
  const asked = pathIn(environment["DOCKER_HOST"])
  // If DOCKER_HOST is set, docker uses no context.
  const isPlain = (place: string) =>
    place === real(own.docker) && (!environment["DOCKER_HOST"] || place === real(asked))
  const named = [asked, own.docker].flatMap((path) => (path === undefined ? [] : [{ engine: "docker" as const, path }]))
  const found = new Map<string, EngineSocket>()
  for (const { engine, path } of [...named, ...standard]) {
    const there = tryRead(() => statSync(path), undefined)
    const place = real(path) ?? path
    if (there?.isSocket() !== true || found.has(place)) continue
    if (there.uid !== 0 && there.uid !== uid && path !== asked) continue
    found.set(place, {
      path,
      user: nameOfUser(there.uid),
      engine: standard.find((each) => real(each.path) === place)?.engine ?? engine,
      cli: {
        docker: isPlain(place) ? ["docker"] : ["docker", "--host", `unix://${path}`],
        podman: place === real(own.podman) ? ["podman"] : ["podman", "--remote", "--url", `unix://${path}`]
      }
    })
  }
  return [...found.values()]
}
