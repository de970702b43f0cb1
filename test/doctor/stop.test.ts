import { expect, it } from "vitest"
import { identify, restartServer, resume, stop } from "../../src/doctor/stop.ts"
import type { Process } from "../../src/domain/Listener.ts"
import { userName } from "../../src/machine/user.ts"
import { sudo } from "../../src/text/describe.ts"
import { listenerOf, someContainer, someProcess } from "../support/listener.ts"

const ENDED = "and start it again"

const mine = (more: Partial<Process>) => ({ ...listenerOf(someProcess(more)), user: userName() })
const theirs = (more: Partial<Process>) => ({ ...mine(more), user: "somebody" })

it.each<[string, ReturnType<typeof mine>, string, string, string | null, string | null]>([
  ["a process", mine({}), "kill 4711", "kill 4711", null, ENDED],
  ["another user's process", theirs({}), `${sudo}kill 4711`, `${sudo}kill 4711`, null, ENDED],
  [
    "a unit",
    mine({ unit: "rb-shop.service" }),
    `${sudo}systemctl stop rb-shop.service`,
    `${sudo}systemctl restart rb-shop.service`,
    null,
    null
  ],
  [
    "a user's unit",
    mine({ unit: "rb-shop@1.service", userUnit: true }),
    "systemctl --user stop rb-shop@1.service",
    "systemctl --user restart rb-shop@1.service",
    null,
    null
  ],
  [
    "another user's unit",
    theirs({ unit: "rb-shop.service", userUnit: true }),
    `${sudo}systemctl --user --machine=somebody@ stop rb-shop.service`,
    `${sudo}systemctl --user --machine=somebody@ restart rb-shop.service`,
    null,
    null
  ],
  [
    "what was started in a terminal of the desktop",
    mine({ unit: "app-org.kde.konsole@4f2.service", userUnit: true }),
    "kill 4711",
    "kill 4711",
    null,
    ENDED
  ],
  [
    "a container",
    theirs({ container: "0123456789ab", engine: "docker", unit: null }),
    "docker stop 0123456789ab",
    "docker restart 0123456789ab",
    null,
    null
  ],
  [
    "a container of Podman, in a unit",
    mine({ container: "0123456789ab", engine: "podman", unit: "shop.service", userUnit: true }),
    "podman stop 0123456789ab",
    "podman restart 0123456789ab",
    null,
    null
  ],
  [
    "a container of Kubernetes",
    mine({ container: "0123456789ab", engine: "crictl" }),
    `${sudo}crictl stop 0123456789ab`,
    `${sudo}crictl stop 0123456789ab`,
    null,
    null
  ],
  [
    "the proxy of a container",
    mine({ container: "172.17.0.2:80", engine: "docker", proxy: true, unit: "docker.service" }),
    "docker ps --filter publish=3001",
    "docker ps --filter publish=3001",
    "shows the container; stop it with docker stop NAME",
    "shows the container; restart it with docker restart NAME"
  ],
  [
    "the engine itself",
    mine({ command: "dockerd", engine: "docker", unit: "docker.service" }),
    "docker ps --filter publish=3001",
    "docker ps --filter publish=3001",
    "shows the container; stop it with docker stop NAME",
    "shows the container; restart it with docker restart NAME"
  ],
  [
    "the network of a rootless Podman",
    mine({ command: "rootlessport", engine: "podman" }),
    "podman ps",
    "podman ps",
    "shows which container publishes 3001; stop it with podman stop NAME",
    "shows which container publishes 3001; restart it with podman restart NAME"
  ],
  [
    "a container that its engine names, and not its proxy",
    {
      ...mine({ container: "172.17.0.2:80", engine: "docker", proxy: true, unit: "docker.service" }),
      container: someContainer()
    },
    "docker stop shop-db-1",
    "docker restart shop-db-1",
    null,
    null
  ],
  [
    "a container whose process is not visible, of another engine than the usual one",
    { ...listenerOf(null), container: someContainer({ cli: ["docker", "--host", "unix:///home/me/a b.sock"] }) },
    "docker --host 'unix:///home/me/a b.sock' stop shop-db-1",
    "docker --host 'unix:///home/me/a b.sock' restart shop-db-1",
    null,
    null
  ],
  [
    "a container whose name is none",
    { ...listenerOf(null), container: someContainer({ name: "--all; rm -rf /", cli: ["podman"] }) },
    "podman stop 0123456789ab",
    "podman restart 0123456789ab",
    null,
    null
  ]
])("%s", (_, listener, stopped, restarted, advice, adviceForRestart) => {
  expect(stop(listener)).toEqual({ fix: stopped, remedy: stopped, advice })
  expect(restartServer(listener)).toEqual({ fix: restarted, remedy: restarted, advice: adviceForRestart })
})

it("shows how to find what it may not see", () => {
  const seen = { fix: `${sudo}ss -ltnp 'sport = :3001'`, advice: "shows the process" }
  expect(identify({ ...listenerOf(null), container: someContainer() })).toMatchObject({
    fix: "docker ps --filter id=0123456789ab",
    advice: "shows the container"
  })
  for (const proposal of [stop, restartServer]) expect(proposal(listenerOf(null))).toMatchObject(seen)
  expect(stop({ ...listenerOf(null), user: "root" }).advice).toBe(
    "shows the process; if a container publishes the port, docker ps --filter publish=3001 names it"
  )
})

it("continues a stopped process as its user", () => {
  expect(resume(mine({ stopped: true })).fix).toBe("kill -CONT 4711")
  expect(resume(theirs({ stopped: true })).fix).toBe(`${sudo}kill -CONT 4711`)
})
