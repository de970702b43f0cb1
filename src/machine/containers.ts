import type { Container } from "../domain/Container.ts"
import { cut, LIMITS } from "../domain/foreignText.ts"
import { PORT_MAX } from "../domain/names.ts"
import type { EngineName, EngineSocket } from "./engineSockets.ts"
import { isObject } from "./json.ts"
import { readUsers } from "./processes.ts"
import { home } from "./user.ts"

/** Asks container engines for their running containers. An engine may answer anything, or nothing. */

/** How long an engine may take: one that does not answer at once is left out, because the list of the ports waits for it. */
const LIMIT_MS = 150
/** The longest list of containers that is read, in bytes: a thousand of them. */
const SIZE_MAX = 2 * 2 ** 20

/** A TCP port of the host that a container publishes. */
export interface Published {
  readonly port: number
  readonly address: string
  /** The user that the engine runs as, who also listens for the container. */
  readonly user: string
  readonly container: Container
}

/** The running containers of an engine, and the ports that they publish. */
export interface Told {
  readonly containers: ReadonlyArray<Container>
  readonly published: ReadonlyArray<Published>
}

interface Answer {
  readonly list: unknown
  readonly engine: EngineName
}

/** Asks an engine for its list. Undefined if it does not answer in time, or with something else. */
const ask = async ({ engine, path }: EngineSocket): Promise<Answer | undefined> => {
  const { get } = await import("node:http")
  return new Promise((done) => {
    const request = get({ socketPath: path, path: "/containers/json", agent: false }, (response) => {
      if (response.statusCode !== 200) return end(undefined)
      const server = String(response.headers["server"] ?? "")
      const chunks: Array<Buffer> = []
      let size = 0
      response.on("data", (chunk: Buffer) => {
        size += chunk.length
        if (size > SIZE_MAX) end(undefined)
        else chunks.push(chunk)
      })
      response.on("end", () => {
        try {
          const list = JSON.parse(Buffer.concat(chunks).toString())
          end({ list, engine: server.startsWith("Libpod/") ? "podman" : server === "" ? engine : "docker" })
        } catch {
          end(undefined)
        }
      })
      response.on("error", () => end(undefined))
    })
    // If this process was busy for that long, the answer may be there already.
    const timer = setTimeout(() => setImmediate(() => end(undefined)), LIMIT_MS)
    const end = (answer: Answer | undefined) => {
      clearTimeout(timer)
      request.destroy()
      done(answer)
    }
    request.on("error", () => end(undefined))
  })
}

/** The labels of Docker's compose program, which Podman's sets, too; its older versions only set a name of their own. */
const LABELS = {
  project: ["com.docker.compose.project", "io.podman.compose.project"],
  service: ["com.docker.compose.service", "io.podman.compose.service"],
  directory: ["com.docker.compose.project.working_dir"]
}

const textOf = (value: unknown, max: number): string | null =>
  typeof value === "string" && value !== "" ? cut(value, max) : null

/** Returns the container's own name: each is a path, and those of old links have another container's name before it. */
const nameIn = (names: unknown): string | null => {
  const all = Array.isArray(names) ? names.filter((name) => typeof name === "string") : []
  const own = all.find((name) => name.lastIndexOf("/") < 1) ?? all[0]
  return textOf(own?.replace(/^\//, ""), LIMITS.name)
}

/** Returns the directories that identify no project, because any may be below them: the root, and all homes. */
const readShared = (): ReadonlySet<string> => new Set(["/", home(), ...readUsers().homes])

const readContainer = (
  value: Readonly<Record<string, unknown>>,
  cli: ReadonlyArray<string>,
  shared: ReadonlySet<string>
): Container | undefined => {
  const { Id: id, Image: image, Labels: given, Names: names } = value
  if (typeof id !== "string" || !/^[0-9a-f]{12,64}$/.test(id)) return undefined
  const labels = isObject(given) ? given : {}
  const label = (kind: keyof typeof LABELS, max: number) =>
    textOf(
      LABELS[kind].map((name) => labels[name]).find((each) => each !== undefined),
      max
    )
  const directory = label("directory", LIMITS.path)
  return {
    id: id.slice(0, 12),
    name: nameIn(names),
    image: textOf(image, LIMITS.column),
    project: label("project", LIMITS.name),
    service: label("service", LIMITS.name),
    directory: directory?.startsWith("/") && !shared.has(directory) ? directory : null,
    cli
  }
}

/** Reads the TCP ports of the host in a container's list of ports. Podman leaves out the address if it is any. */
const readPublished = (ports: unknown, container: Container, user: string): ReadonlyArray<Published> =>
  (Array.isArray(ports) ? ports : []).filter(isObject).flatMap(({ IP: address, PublicPort: port, Type: type }) => {
    const isPort = typeof port === "number" && Number.isInteger(port) && port > 0 && port <= PORT_MAX
    if (!isPort || (type !== undefined && type !== "tcp")) return []
    return [{ port, address: typeof address === "string" ? address : "", user, container }]
  })

/** Asks the engine at a socket. Undefined if it does not answer in time, or with something else. */
export const askEngine = async (socket: EngineSocket): Promise<Told | undefined> => {
  const answer = await ask(socket)
  if (!Array.isArray(answer?.list)) return undefined
  const cli = socket.cli[answer.engine]
  const shared = readShared()
  const read = answer.list.filter(isObject).flatMap((value) => {
    const container = readContainer(value, cli, shared)
    return container === undefined
      ? []
      : [{ container, published: readPublished(value["Ports"], container, socket.user) }]
  })
  return { containers: read.map(({ container }) => container), published: read.flatMap(({ published }) => published) }
}
