import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "vitest"
import { judge, type Verdict } from "./checker.ts"
import { type Client, vanishing } from "./clients.ts"
import { type PortUsage, Service } from "./environments.ts"
import type { Attempt } from "./history.ts"
import { mixed, RANGES, randomFrom, runAll, type Script } from "./workload.ts"

export const CLIENTS = 32

/** How many of the clients of a disturbed run never wait for their reply. */
const VANISHING = 2

const range = ({ first, last }: { readonly first: number; readonly last: number }) => `${first}-${last}`

/** On a busy machine 32 writers may keep one of them waiting for longer than by default. */
export const ENV: Readonly<Record<string, string>> = {
  AUTOMATELINUX_DATABASE_TIMEOUT: "60 seconds",
  AUTOMATELINUX_APP_RANGE: range(RANGES.app),
  AUTOMATELINUX_SPECIAL_RANGE: range(RANGES.special)
}

export const times = <A>(count: number, make: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => make(index))

const CLEAN = ["conflict", "range-full", "not-set", "not-found"]
/** Where things break it may also be said that nothing was done. */
export const BROKEN = [...CLEAN, "unavailable", "no-daemon"]

/** Ends the services, so that nobody is at work any more, and judges. */
export const judged = async (
  history: ReadonlyArray<Attempt>,
  world: PortUsage,
  services: ReadonlyArray<Service>,
  refusals = CLEAN
): Promise<Verdict> => {
  await Promise.all(services.map((service) => service.stop()))
  return judge(history, await world.tables(), { appRange: RANGES.app, refusals })
}

/** As many daemons as there are names of hosts, started; ended with the test. */
export const serve = async (
  world: PortUsage,
  hosts: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): Promise<ReadonlyArray<Service>> => {
  const services = hosts.map((host) => new Service({ ...ENV, ...world.env, AUTOMATELINUX_HOST: host, ...env }))
  await Promise.all(services.map((service) => service.start()))
  return services
}

/** 32 clients, each with a connection of its own, spread over the services. */
export const clientsOf = (services: ReadonlyArray<Service>): ReadonlyArray<Client> =>
  times(CLIENTS, (index) => {
    const service = services[index % services.length]
    if (service === undefined) throw new Error("nobody serves")
    return service.client
  })

/** Each client's part of `scripts`, until all are through. */
export const together = (clients: ReadonlyArray<Client>, script: (index: number) => Script) =>
  runAll(clients.map((client, index) => [client, script(index)] as const))

/** Each of the clients was given `pairs`, and together these are the lowest there are. */
export const expectLowest = (history: ReadonlyArray<Attempt>, pairs: number): void => {
  const given = history.flatMap(({ outcome }) =>
    outcome._tag === "Ok" ? outcome.assigned.map(({ port }) => port) : []
  )
  const lowest = new Set(times(2 * pairs * CLIENTS, (index) => RANGES.app.first + index))
  const wrong = {
    leftOut: [...lowest].filter((port) => !given.includes(port)),
    beyond: given.filter((port) => !lowest.has(port)),
    twice: given.filter((port, index) => given.indexOf(port) !== index)
  }
  if (Object.values(wrong).some((ports) => ports.length > 0)) console.error(JSON.stringify(wrong))
  expect(wrong).toEqual({ leftOut: [], beyond: [], twice: [] })
}

/** Which of the services did something that was begun after `since`. */
export const workingSince = (history: ReadonlyArray<Attempt>, since: number, services: number): ReadonlySet<number> =>
  new Set(
    history
      .filter(({ began, outcome }) => began > since && outcome._tag === "Ok")
      .map(({ client }) => client % services)
  )

/** How soon after a disturbance each service must do something again, on a busy machine. */
const RECOVERY_MS = 30_000

/** The mixed load while `disturb` lasts, and until it is over and each of the services does something again. */
export const disturbed = async (
  world: PortUsage,
  services: ReadonlyArray<Service>,
  seed: number,
  disturb: (history: ReadonlyArray<Attempt>) => Promise<void>
): Promise<Verdict> => {
  const history: Array<Attempt> = []
  const clients = clientsOf(services).map((client, index) =>
    index < VANISHING ? vanishing(services[index % services.length]?.path ?? "") : client
  )
  let over = false
  const running = runAll(
    clients.map((client, index) => [client, mixed(`u${index}`, randomFrom(seed + index))] as const),
    () => over,
    history
  )
  await sleep(500)
  await disturb(history)
  const since = performance.now()
  const goOn = () => workingSince(history, since, services.length).size
  do await sleep(1000)
  while (goOn() < services.length && performance.now() < since + RECOVERY_MS)
  over = true
  await running
  expect(goOn(), "services that work after the disturbance").toBe(services.length)
  return judged(history, world, services, BROKEN)
}
