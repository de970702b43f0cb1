import { existsSync } from "node:fs"
import type { Environment } from "../domain/Environment.ts"
import { cut, LIMITS } from "../domain/foreignText.ts"

/** A running container that publishes a port. */
export interface Container {
  /** Its short id. */
  readonly id: string
  readonly name: string | null
  readonly image: string | null
  /** The directory of its compose project. */
  readonly directory: string | null
  /** Its compose project, and its service in it. */
  readonly project: string | null
  readonly service: string | null
}

/** An engine that does not answer at once is left out: nothing waits for it. */
const LIMIT_MS = 200
/** The longest list of containers that is read, in bytes. */
const SIZE_MAX = 8 * 2 ** 20

/** Returns the sockets of the container engines that this user may have, Docker's and Podman's. */
const enginePaths = (environment: Environment): ReadonlyArray<string> => {
  const uid = process.getuid?.() ?? 0
  const runtime = environment["XDG_RUNTIME_DIR"] || `/run/user/${uid}`
  const named = /^unix:\/\/(\/.+)$/.exec(environment["DOCKER_HOST"] ?? "")?.[1]
  const paths = [
    ...(named === undefined ? [] : [named]),
    "/var/run/docker.sock",
    `${runtime}/docker.sock`,
    "/run/podman/podman.sock",
    `${runtime}/podman/podman.sock`
  ]
  return [...new Set(paths)].filter((path) => existsSync(path))
}

/** Asks the engine at `socketPath` for its running containers. Undefined if it does not answer in time, or with something else. */
const askEngine = async (socketPath: string): Promise<unknown> => {
  const { get } = await import("node:http")
  return new Promise((done) => {
    const request = get({ socketPath, path: "/containers/json", timeout: LIMIT_MS }, (response) => {
      const chunks: Array<Buffer> = []
      let size = 0
      response.on("data", (chunk: Buffer) => {
        size += chunk.length
        if (size > SIZE_MAX) end(undefined)
        else chunks.push(chunk)
      })
      response.on("end", () => {
        try {
          end(JSON.parse(Buffer.concat(chunks).toString()))
        } catch {
          end(undefined)
        }
      })
      response.on("error", () => end(undefined))
    })
    const timer = setTimeout(() => end(undefined), LIMIT_MS)
    const end = (answer: unknown) => {
      clearTimeout(timer)
      request.destroy()
      done(answer)
    }
    request.on("error", () => end(undefined))
  })
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const text = (value: unknown, max: number): string | null => (typeof value === "string" ? cut(value, max) : null)

/** The labels of both engines' compose programs. */
const DIRECTORY_LABEL = "com.docker.compose.project.working_dir"
const PROJECT_LABEL = "com.docker.compose.project"
const SERVICE_LABEL = "com.docker.compose.service"

/** Reads one container from an engine's list, with the ports that it publishes. An engine may answer anything. */
const readContainer = (value: unknown): readonly [Container, ReadonlyArray<number>] | undefined => {
  if (!isObject(value) || typeof value["Id"] !== "string") return undefined
  const names = Array.isArray(value["Names"]) ? value["Names"] : []
  const labels = isObject(value["Labels"]) ? value["Labels"] : {}
  const ports = (Array.isArray(value["Ports"]) ? value["Ports"] : []).flatMap((port: unknown) =>
    isObject(port) && typeof port["PublicPort"] === "number" ? port["PublicPort"] : []
  )
  const directory = text(labels[DIRECTORY_LABEL], LIMITS.path)
  const container: Container = {
    id: value["Id"].slice(0, 12),
    name: text(names[0], LIMITS.name)?.replace(/^\//, "") ?? null,
    image: text(value["Image"], LIMITS.name),
    directory: directory?.startsWith("/") ? directory : null,
    project: text(labels[PROJECT_LABEL], LIMITS.name),
    service: text(labels[SERVICE_LABEL], LIMITS.name)
  }
  return [container, ports]
}

/** The running containers, as far as an engine tells this user about them. */
export interface Containers {
  readonly byPort: ReadonlyMap<number, Container>
  readonly byId: ReadonlyMap<string, Container>
}

export const NO_CONTAINERS: Containers = { byPort: new Map(), byId: new Map() }

/** Asks all container engines for the running containers. */
export const readContainers = async (environment: Environment): Promise<Containers> => {
  const lists = await Promise.all(enginePaths(environment).map(askEngine))
  const found = lists
    .flatMap((list) => (Array.isArray(list) ? list : []))
    .map(readContainer)
    .filter((each) => each !== undefined)
  return {
    byPort: new Map(found.flatMap(([container, ports]) => ports.map((port) => [port, container]))),
    byId: new Map(found.map(([container]) => [container.id, container]))
  }
}
