import { expect, it, onTestFinished, vi } from "vitest"
import type { Process } from "../../src/domain/Listener.ts"
import { userName } from "../../src/machine/user.ts"
import { end, inspect, type Processes } from "../../src/watch/ending.ts"
import { serve, until } from "../support/doctor.ts"
import { composed, engine } from "../support/engine.ts"
import { listenerOf, someProcess } from "../support/listener.ts"

/** A machine on which `processes` listen on 3001, with what was killed. */
const machineWith = (processes: ReadonlyArray<Process | null>, more: Partial<Processes> & { user?: string } = {}) => {
  const killed: Array<string> = []
  const { user = userName(), ...others } = more
  const machine: Processes = {
    listenersOn: async () => processes.map((process) => ({ ...listenerOf(process), user })),
    startOf: () => "100",
    commandLineOf: () => "node server.js",
    userName,
    kill: (pid, signal) => void killed.push(`${signal} ${pid}`),
    ...others
  }
  return { machine, killed }
}

const targetsOf = async (machine: Processes) => {
  const found = await inspect(3001, machine)
  if (found._tag !== "Targets") throw new Error(found._tag)
  return found.targets
}

const whyNot = async (machine: Processes): Promise<string> => {
  const found = await inspect(3001, machine)
  return found._tag === "Refused" ? [found.why, found.command, found.advice].join(": ") : found._tag
}

it("ends the process that was shown", async () => {
  const { killed, machine } = machineWith([someProcess()])
  const targets = await targetsOf(machine)
  expect(targets).toMatchObject([{ pid: 4711, start: "100", commandLine: "node server.js", directory: "/opt/dev/cad" }])
  expect((await end(targets, "SIGTERM", machine)).text).toBe("TERM sent to node, pid 4711")
  expect((await end(targets, "SIGKILL", machine)).text).toBe("node, pid 4711, killed")
  expect(killed).toEqual(["SIGTERM 4711", "SIGKILL 4711"])
})

it("does not end another process that has the same pid by now", async () => {
  const { machine } = machineWith([someProcess()])
  const targets = await targetsOf(machine)
  const later = machineWith([someProcess()], { startOf: () => "200" })
  expect((await end(targets, "SIGTERM", later.machine)).text).toBe(
    "nothing was ended: 3001 is no longer served by the process that was shown"
  )
  expect(later.killed).toEqual([])
})

it("does not end a process that no longer listens on the port", async () => {
  const { machine } = machineWith([someProcess()])
  const targets = await targetsOf(machine)
  const later = machineWith([someProcess({ pid: 4712 })])
  expect((await end(targets, "SIGTERM", later.machine)).text).toContain("nothing was ended")
  const ended = machineWith([], { startOf: () => undefined })
  expect((await end(targets, "SIGTERM", ended.machine)).text).toBe("node, pid 4711, has ended already")
  expect([later.killed, ended.killed]).toEqual([[], []])
})

it("names each process once, whatever the number of its sockets", async () => {
  const { machine } = machineWith([someProcess(), someProcess(), someProcess({ pid: 4712 })])
  expect((await targetsOf(machine)).map(({ addresses, pid }) => [pid, addresses.length])).toEqual([
    [4711, 2],
    [4712, 1]
  ])
})

it("leaves a container to its engine, which it asks by the environment of this process", async () => {
  const { path } = await engine(() => [composed(32_150)])
  vi.stubEnv("DOCKER_HOST", `unix://${path}`)
  onTestFinished(() => void vi.unstubAllEnvs())
  await serve(32_150, { directory: "/", words: ["-container-ip", "172.17.0.2", "-container-port", "80"] })
  expect(
    await until(
      () => inspect(32_150),
      (found) => JSON.stringify(found).includes("shop-db-1")
    )
  ).toEqual({
    _tag: "Refused",
    why: `container shop-db-1, image postgres:16, compose project shop in /opt/dev/shop, of ${userName()}, is not ended from here`,
    command: `docker --host unix://${path} stop shop-db-1`,
    advice: null
  })
})

it("leaves to others what a signal of this user does not end, and says how they do it", async () => {
  const whyOf = (process: Process | null, user?: string) =>
    whyNot(machineWith([process], user === undefined ? {} : { user }).machine)
  expect(await whyOf(null, "alice")).toMatch(/^a process of alice .*, of alice, is not ended from here: .*ss -ltnp/)
  expect(await whyOf(someProcess(), "alice")).toMatch(
    /^node, pid 4711, .*, of alice, is not ended from here: .*kill 4711/
  )
  expect(await whyOf(someProcess({ container: "0123456789ab", engine: "docker" }))).toContain(
    "docker stop 0123456789ab"
  )
  expect(await whyOf(someProcess({ command: "dockerd", engine: "docker" }))).toContain(
    "docker ps --filter publish=3001"
  )
  expect(await whyOf(someProcess({ unit: "cad.service", userUnit: true }))).toContain(
    "systemctl --user stop cad.service"
  )
  expect(await whyOf(someProcess({ pid: 1, command: "systemd", manager: true }))).toContain("holds 3001 for a service")
})

it("ends none of several if one is another's", async () => {
  const { machine } = machineWith([someProcess(), null], {})
  expect(await whyNot(machine)).toContain("is not ended from here")
})

it("says so if there is nothing to end, or nothing can be seen", async () => {
  expect(await whyNot(machineWith([]).machine)).toBe("Nothing")
  const blind = machineWith([], { listenersOn: async () => undefined })
  expect(await whyNot(blind.machine)).toContain("lsof -nP -iTCP:3001")
})

it("says why a signal could not be sent", async () => {
  const failing = (code: string) =>
    machineWith([someProcess()], {
      kill: () => {
        throw Object.assign(new Error(code), { code })
      }
    }).machine
  // What was not sent is not waited for, and nothing stronger is offered after it.
  expect(await end(await targetsOf(failing("EPERM")), "SIGTERM", failing("EPERM"))).toEqual({
    text: "node, pid 4711, cannot be ended: EPERM",
    sent: []
  })
  expect((await end(await targetsOf(failing("ESRCH")), "SIGTERM", failing("ESRCH"))).text).toBe(
    "node, pid 4711, has ended already"
  )
})
