import type { Container } from "../../src/domain/Container.ts"
import type { Listener, Process } from "../../src/domain/Listener.ts"

/** A process that could be anybody's, but for `more`. */
export const someProcess = (more: Partial<Process> = {}): Process => ({
  pid: 4711,
  command: "node",
  directory: "/opt/dev/cad",
  atHome: false,
  manager: false,
  paths: [],
  unit: null,
  userUnit: false,
  container: null,
  engine: null,
  proxy: false,
  startedAt: null,
  stopped: false,
  ...more
})

/** A listener of `process`. */
export const listenerOf = (process: Process | null): Listener => ({
  port: 3001,
  address: "127.0.0.1",
  user: "me",
  queue: 0,
  container: null,
  process
})

/** A container as its engine describes it, but for `more`. */
export const someContainer = (more: Partial<Container> = {}): Container => ({
  id: "0123456789ab",
  name: "shop-db-1",
  image: "postgres:16",
  project: "shop",
  service: "db",
  directory: "/opt/dev/shop",
  cli: ["docker"],
  ...more
})
