import { expect, it } from "vitest"
import type { Process } from "../../src/domain/Listener.ts"
import { isOf, type KeyOwner, otherAppOf, ownerOf } from "../../src/domain/Owner.ts"
import { containerIn, unitIn } from "../../src/machine/processes.ts"
import { listenerOf, someContainer, someProcess } from "../support/listener.ts"

const owner = (kind: KeyOwner["kind"], name: string, seen: string | null = "2026-11-20T00:00:00.000Z"): KeyOwner => ({
  kind,
  name,
  since: "2026-11-20T00:00:00.000Z",
  seen,
  said: true
})

it.each([
  ["its directory", {}, { kind: "directory", name: "/opt/dev/cad" }],
  ["its directory, also in a unit", { unit: "cad.service" }, { kind: "directory", name: "/opt/dev/cad" }],
  ["its unit at the root", { directory: "/", unit: "cad.service" }, { kind: "unit", name: "cad.service" }],
  ["nothing at the root", { directory: "/" }, undefined],
  [
    "the port that it is the proxy of",
    { proxy: true, container: "172.17.0.2:80", directory: "/" },
    { kind: "container", name: "80" }
  ],
  ["its unit in a home", { atHome: true, unit: "cad.service" }, { kind: "unit", name: "cad.service" }],
  ["nothing in a container, whose directories are its own", { container: "0123456789ab" }, undefined],
  ["nothing as the service manager", { manager: true }, undefined]
])("a process shows %s", (_, more, shown) => {
  expect(ownerOf(listenerOf(someProcess(more)))).toEqual(shown)
})

const DIRECTORY = owner("directory", "/opt/dev/cad")

it.each<[string, KeyOwner, Partial<Process> | null, boolean | undefined]>([
  ["the same directory", DIRECTORY, {}, true],
  ["one below", DIRECTORY, { directory: "/opt/dev/cad/web" }, true],
  ["one above", DIRECTORY, { directory: "/opt/dev" }, true],
  ["one whose name begins the same", DIRECTORY, { directory: "/opt/dev/cad2" }, false],
  ["another", DIRECTORY, { directory: "/home/me/other" }, false],
  ["a home beside", DIRECTORY, { directory: "/home/me", atHome: true }, false],
  ["a home above", DIRECTORY, { directory: "/opt", atHome: true }, undefined],
  ["a program of the directory", DIRECTORY, { directory: "/tmp", paths: ["/opt/dev/cad/server.js"] }, true],
  ["the root", DIRECTORY, { directory: "/" }, undefined],
  ["the proxy of a container", DIRECTORY, { proxy: true, container: "172.17.0.2:80" }, undefined],
  ["a container", DIRECTORY, { container: "0123456789ab", directory: "/app" }, undefined],
  ["a process that cannot be seen", DIRECTORY, null, undefined],
  ["the same unit", owner("unit", "cad.service"), { unit: "cad.service" }, true],
  ["another unit", owner("unit", "cad.service"), { directory: "/", unit: "pt.service" }, false],
  ["a container that was restarted", owner("container", "80"), { proxy: true, container: "172.17.0.9:80" }, true],
  ["another container", owner("container", "80"), { proxy: true, container: "172.17.0.9:8080" }, false],
  ["a process where a container was", owner("container", "80"), {}, undefined],
  ["a unit at the root", DIRECTORY, { directory: "/", unit: "other.service" }, false],
  ["a manager", DIRECTORY, { manager: true }, undefined]
])("%s", (_, known, more, verdict) => {
  expect(isOf(known, listenerOf(more === null ? null : someProcess(more)), () => true)).toBe(verdict)
})

/** A container of a compose project in `directory`, or of none. */
const contained = (directory: string | null, process: Partial<Process> | null = null) => ({
  ...listenerOf(process === null ? null : someProcess(process)),
  container: someContainer({ directory })
})

const PROXY = { proxy: true, container: "172.17.0.2:80", directory: "/" }

it("a container shows the directory of its compose project, whatever process listens for it", () => {
  const directory = { kind: "directory", name: "/opt/dev/cad" }
  expect(ownerOf(contained("/opt/dev/cad"))).toEqual(directory)
  expect(ownerOf(contained("/opt/dev/cad", PROXY))).toEqual(directory)
  expect(ownerOf(contained(null))).toBeUndefined()
  expect(ownerOf(contained(null, PROXY))).toEqual({ kind: "container", name: "80" })
  expect(ownerOf(contained(null, { command: "rootlessport", directory: "/home/me/other" }))).toBeUndefined()
})

it.each<[string, KeyOwner, ReturnType<typeof contained>, boolean | undefined]>([
  ["a container of the directory", DIRECTORY, contained("/opt/dev/cad"), true],
  ["one below, by its proxy", DIRECTORY, contained("/opt/dev/cad/db", PROXY), true],
  ["one above", DIRECTORY, contained("/opt/dev"), true],
  ["one of another directory", DIRECTORY, contained("/home/me/other", PROXY), false],
  ["one of no directory", DIRECTORY, contained(null, PROXY), undefined],
  ["one of no directory, by a program elsewhere", DIRECTORY, contained(null, { directory: "/tmp" }), undefined],
  ["a container where a port in one was", owner("container", "80"), contained("/home/me/other", PROXY), true],
  ["a container where a unit was", owner("unit", "cad.service"), contained("/opt/dev/cad"), undefined]
])("%s", (_, known, listener, verdict) => {
  expect(isOf(known, listener, () => true)).toBe(verdict)
})

it.each([
  ["of the same worktree", (_: string, path: string) => path.startsWith("/opt"), true],
  ["of another worktree", (_: string, path: string) => path.startsWith("/opt/dev/cad"), false]
])("one above %s", (_, inWorktree, verdict) => {
  expect(isOf(DIRECTORY, listenerOf(someProcess({ directory: "/opt/dev" })), inWorktree)).toBe(verdict)
})

it.each([
  ["0::/user.slice/user-1000.slice/session-2.scope", null],
  ["0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope", null],
  ["0::/user.slice/user-1000.slice/user@1000.service/app.slice/cad.service", "cad.service"],
  ["9:name=systemd:/system.slice/nginx.service\n8:pids:/system.slice/nginx.service", "nginx.service"],
  ["0::/system.slice/cad@blue.service/workers", "cad@blue.service"],
  ["0::/", null]
])("the unit in %j", (cgroup, unit) => {
  expect(unitIn(cgroup)).toBe(unit)
})

const ID = "0123456789ab".padEnd(64, "c")

it.each([
  [`0::/system.slice/docker-${ID}.scope`, { id: "0123456789ab", engine: "docker" }],
  [`12:pids:/docker/${ID}`, { id: "0123456789ab", engine: "docker" }],
  [`0::/machine.slice/libpod-${ID}.scope`, { id: "0123456789ab", engine: "podman" }],
  [`0::/kubepods.slice/cri-containerd-${ID}.scope`, { id: "0123456789ab", engine: "crictl" }],
  ["0::/system.slice/docker.service", undefined]
])("the container in %j", (cgroup, container) => {
  expect(containerIn(cgroup)).toEqual(container)
})

const OWNERS = new Map<string, KeyOwner>([
  ["cad-dev", owner("directory", "/opt/cad")],
  ["shop-prod", owner("directory", "/opt/mono")],
  ["web-dev", { ...owner("directory", "/opt/web"), said: false }],
  ["pt-proxy", owner("directory", "/opt/pt")],
  ["unit-dev", owner("unit", "unit.service")]
])

it.each<[string, string, Partial<Process> | null, string | undefined]>([
  ["another app's directory", "shop-dev", { directory: "/opt/cad" }, "cad"],
  ["one below another app's directory", "shop-dev", { directory: "/opt/cad/packages/web" }, "cad"],
  ["one above another app's directory", "shop-dev", { directory: "/opt" }, undefined],
  ["a directory that was only learned", "shop-dev", { directory: "/opt/web" }, "web"],
  ["another app's directory, around its own", "web-prod", { directory: "/opt/mono" }, "shop"],
  ["its own app's directory", "cad-prod", { directory: "/opt/cad" }, undefined],
  ["one that belongs to its other half", "shop-dev", { directory: "/opt/mono/cad" }, undefined],
  ["the directory of a special", "shop-dev", { directory: "/opt/pt" }, undefined],
  ["an app's directory, for a special", "cad-socket", { directory: "/opt/cad" }, undefined],
  ["nobody's directory", "shop-dev", { directory: "/opt/else" }, undefined],
  ["a home", "shop-dev", { directory: "/opt/cad", atHome: true }, undefined],
  ["a process that cannot be seen", "shop-dev", null, undefined]
])("another app in %s", (_, key, more, app) => {
  expect(otherAppOf(key, listenerOf(more === null ? null : someProcess(more)), OWNERS, () => true)?.app).toBe(app)
})

it("does not hold what was only learned against an app, if only what was said counts", () => {
  const web = listenerOf(someProcess({ directory: "/opt/web" }))
  expect(
    otherAppOf(
      "shop-dev",
      web,
      OWNERS,
      () => true,
      ({ said }) => said
    )
  ).toBeUndefined()
})
