import { mkdirSync } from "node:fs"
import { createServer, type RequestListener } from "node:http"
import { dirname, join } from "node:path"
import { onTestFinished } from "vitest"
import type { Container } from "../../src/domain/Container.ts"
import { temporary } from "./root.ts"

/** Engines of containers, recorded: no machine that runs the tests has one. */

/** A port in the list of an engine. */
const portOf = (port: number, address: string) => ({ IP: address, PrivatePort: 5432, PublicPort: port, Type: "tcp" })

/** A container as Docker lists it, with fields that nobody reads. */
export const composed = (
  port: number,
  { address = "127.0.0.1", directory = "/opt/dev/shop", id = "0123456789abcdef".repeat(4), name = "shop-db-1" } = {}
) => ({
  Id: id,
  Names: [`/${name}`],
  Image: "docker.io/library/postgres:16",
  ImageID: `sha256:${"ab".repeat(32)}`,
  Command: "docker-entrypoint.sh postgres",
  Created: 1_764_000_000,
  Ports: [portOf(port, address)],
  Labels: {
    "com.docker.compose.project": "shop",
    "com.docker.compose.project.working_dir": directory,
    "com.docker.compose.service": "db",
    "com.docker.compose.version": "2.32.1"
  },
  State: "running",
  Status: "Up 2 hours",
  HostConfig: { NetworkMode: "shop_default" },
  NetworkSettings: { Networks: {} },
  Mounts: []
})

/** The same as `d` describes it, if the engine at `path` tells of it. */
export const describedAt = (path: string): Container => ({
  id: "0123456789ab",
  name: "shop-db-1",
  image: "docker.io/library/postgres:16",
  project: "shop",
  service: "db",
  directory: "/opt/dev/shop",
  cli: ["docker", "--host", `unix://${path}`]
})

export interface Recorded {
  /** Its socket. */
  readonly path: string
  /** How often it was asked. */
  readonly asked: () => number
}

/** An engine at `path` that answers by `respond`, for as long as the test runs. */
export const engineAt = async (path: string, respond: RequestListener): Promise<Recorded> => {
  let asked = 0
  mkdirSync(dirname(path), { recursive: true })
  const server = createServer((request, response) => {
    asked += 1
    respond(request, response)
  })
  await new Promise<void>((done) => server.listen(path, done))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { path, asked: () => asked }
}

/** An engine somewhere that lists what `list` returns. */
export const engine = (
  list: () => ReadonlyArray<unknown>,
  path = join(temporary(), "engine.sock"),
  server = "Docker/28.0.1 (linux)"
) =>
  engineAt(path, (_, response) => {
    response.setHeader("Server", server)
    response.setHeader("Content-Type", "application/json")
    response.end(JSON.stringify(list()))
  })
