import { createHash } from "node:crypto"
import { chownSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import type { RequestListener } from "node:http"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import type { Listener } from "../../src/domain/Listener.ts"
import { engineSockets } from "../../src/machine/engineSockets.ts"
import { makeNaming } from "../../src/machine/naming.ts"
import { home, userName } from "../../src/machine/user.ts"
import { composed, describedAt, engine, engineAt } from "../support/engine.ts"
import { listenerOf, someProcess } from "../support/listener.ts"
import { isRoot, NOBODY } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"

/** A home with nothing in it but what the test makes. */
const emptyHome = () => {
  const home = temporary()
  return { HOME: home, XDG_RUNTIME_DIR: join(home, "run") }
}

const using = (path: string) => ({ ...emptyHome(), DOCKER_HOST: `unix://${path}` })

/** A listener whose process cannot be seen, of the user that the recorded engines run as. */
const unseen = (more: Partial<Listener> = {}): Listener => ({ ...listenerOf(null), user: userName(), ...more })

const nameOf = async (path: string, listener: Listener): Promise<string | null | undefined> => {
  const [named] = await makeNaming(using(path)).named([listener])
  return named?.container?.name
}

it("names what publishes a port with image, compose project and the command for its engine", async () => {
  const { path } = await engine(() => [composed(3001)])
  const [named] = await makeNaming(using(path)).named([unseen()])
  expect(named).toEqual({
    ...unseen(),
    container: describedAt(path)
  })
})

it("knows Podman by its answer, whose compose program has had labels of its own", async () => {
  const container = {
    Id: "fedcba9876543210".repeat(4),
    Names: ["shop_db_1"],
    Image: "docker.io/library/postgres:16",
    Ports: [{ IP: "", PrivatePort: 5432, PublicPort: 3001, Type: "tcp" }],
    Labels: { "io.podman.compose.project": "shop", "io.podman.compose.service": "db" }
  }
  const { path } = await engine(() => [container], undefined, "Libpod/5.4.0 (linux)")
  const [named] = await makeNaming(using(path)).named([unseen()])
  expect(named?.container).toMatchObject({
    name: "shop_db_1",
    project: "shop",
    service: "db",
    directory: null,
    cli: ["podman", "--remote", "--url", `unix://${path}`]
  })
})

it.each<[string, Listener, string | undefined]>([
  [
    "the proxy of an engine",
    unseen({ process: someProcess({ proxy: true, container: "172.17.0.2:80" }) }),
    "shop-db-1"
  ],
  ["a part of an engine", unseen({ process: someProcess({ command: "rootlessport", engine: "podman" }) }), "shop-db-1"],
  ["any address, of one that is published on one", unseen({ address: "::" }), "shop-db-1"],
  ["no other address", unseen({ address: "127.0.0.2" }), undefined],
  ["no other port", unseen({ port: 3002 }), undefined],
  ["no port of UDP", unseen({ port: 3003 }), undefined],
  ["no other user's", unseen({ user: "somebody" }), undefined],
  ["no program of the machine", unseen({ process: someProcess() }), undefined]
])("names %s", async (_, listener, name) => {
  const shop = composed(3001)
  const udp = { IP: "127.0.0.1", PrivatePort: 53, PublicPort: 3003, Type: "udp" }
  const { path } = await engine(() => [{ ...shop, Ports: [...shop.Ports, udp] }])
  expect((await nameOf(path, listener)) ?? undefined).toBe(name)
})

it("tells containers apart that publish one port on different addresses", async () => {
  const other = composed(3001, { address: "192.0.2.7", id: "f".repeat(64), name: "blog-db-1" })
  const { path } = await engine(() => [composed(3001), other])
  expect(await nameOf(path, unseen())).toBe("shop-db-1")
  expect(await nameOf(path, unseen({ address: "192.0.2.7" }))).toBe("blog-db-1")
  // Either may be meant.
  expect(await nameOf(path, unseen({ address: "0.0.0.0" }))).toBeUndefined()
})

it("names a port that is published for IPv4 and for IPv6 once for each", async () => {
  const shop = composed(3001, { address: "0.0.0.0" })
  const [port] = shop.Ports
  const { path } = await engine(() => [{ ...shop, Ports: [port, { ...port, IP: "::" }, port] }])
  const naming = makeNaming(using(path))
  const both = [unseen({ address: "0.0.0.0" }), unseen({ address: "::" })]
  expect((await naming.named(both)).map(({ container }) => container?.name)).toEqual(["shop-db-1", "shop-db-1"])
})

it("names what runs in the network of the host by its own container, and not by one with the same port", async () => {
  const inHost = { ...composed(1, { id: "a".repeat(64), name: "shop-web-1" }), Ports: [] }
  const { path } = await engine(() => [composed(3001), inHost])
  const process = (container: string) =>
    unseen({ user: "somebody", process: someProcess({ container, engine: "docker" }) })
  expect(await nameOf(path, process("a".repeat(12)))).toBe("shop-web-1")
  expect(await nameOf(path, process("b".repeat(12)))).toBeUndefined()
})

it("finds what is published without a listener, as with rules of the firewall", async () => {
  const { path } = await engine(() => [composed(3001, { address: "0.0.0.0" })])
  const naming = makeNaming(using(path))
  expect(await naming.published(new Set([3001, 3002]))).toMatchObject([
    { port: 3001, address: "0.0.0.0", user: userName(), process: null, container: { name: "shop-db-1" } }
  ])
  expect(await naming.published(new Set([3002]))).toEqual([])
})

it.each<[string, unknown, string | null]>([
  ["its own name, not that of an old link", ["/web/db", "/shop-db-1"], "shop-db-1"],
  ["a name without a slash", ["shop-db-1"], "shop-db-1"],
  ["no name if there is none", [], null],
  ["no name if it is no text", [17, {}], null],
  ["no name if it is no list", "shop-db-1", null]
])("reads %s", async (_, names, name) => {
  const { path } = await engine(() => [{ ...composed(3001), Names: names }])
  expect(await nameOf(path, unseen())).toBe(name)
})

it("keeps long texts short, and directories that are none out", async () => {
  const long = composed(3001, { name: "x".repeat(5000), directory: "C:\\Users\\me\\shop" })
  const { path } = await engine(() => [long])
  const [named] = await makeNaming(using(path)).named([unseen()])
  expect(named?.container?.name).toHaveLength(80)
  expect(named?.container?.directory).toBeNull()
})

it.each(["/", home()])("takes %s for no project's directory: any project may be below it", async (directory) => {
  const { path } = await engine(() => [composed(3001, { directory })])
  const [named] = await makeNaming(using(path)).named([unseen()])
  expect(named?.container).toMatchObject({ project: "shop", directory: null })
})

describe("an engine that answers anything", () => {
  const text =
    (body: string): RequestListener =>
    (_, response) =>
      response.end(body)
  const json = (...list: ReadonlyArray<unknown>) => text(JSON.stringify(list))
  const shop = composed(3001)
  const [port] = shop.Ports
  const published = (more: object) => json({ ...shop, Ports: [{ ...port, ...more }] })
  const ANSWERS: Readonly<Record<string, RequestListener>> = {
    nothing: text(""),
    HTML: text("<!doctype html><title>502</title>"),
    "no JSON": text("[{"),
    "no list": text('{"Id":"x"}'),
    "numbers, texts and null": json(1, "x", null, [shop]),
    "a container without an id": json({ ...shop, Id: undefined }),
    "an id that is none": json({ ...shop, Id: "; rm -rf /" }),
    "ports that are no list": json({ ...shop, Ports: "3001", Labels: [], Names: {} }),
    "ports that are no objects": json({ ...shop, Ports: [3001, null, "3001"] }),
    "a port as a text": published({ PublicPort: "3001" }),
    "a port that is none": published({ PublicPort: 3001.5 }),
    "a port that is not published": published({ PublicPort: undefined }),
    "an error": (_, response) => {
      response.statusCode = 500
      response.end(JSON.stringify([shop]))
    },
    "ten megabytes": text(JSON.stringify([{ ...shop, Command: "x".repeat(10 * 2 ** 20) }])),
    "no end": (_, response) => {
      const more = () => {
        if (!response.destroyed) response.write("[".repeat(10_000), () => setImmediate(more))
      }
      more()
    },
    "one byte after the other": (_, response) => {
      const body = JSON.stringify([shop])
      let sent = 0
      const timer = setInterval(() => response.write(body[sent++ % body.length]), 20)
      response.on("close", () => clearInterval(timer))
    },
    "not at all": () => {}
  }

  it.each(Object.keys(ANSWERS))("names nothing and keeps nobody waiting: %s", async (name) => {
    const home = emptyHome()
    const lying = await engineAt(join(home.XDG_RUNTIME_DIR, "docker.sock"), ANSWERS[name] ?? text(""))
    const naming = makeNaming(home)
    // The code for HTTP is loaded once.
    await import("node:http")
    const began = performance.now()
    expect((await naming.named([unseen()]))[0]?.container).toBeNull()
    expect(performance.now() - began).toBeLessThan(1000)
    expect(lying.asked()).toBe(1)
    // Another engine still counts.
    const { path } = await engine(() => [shop], join(home.XDG_RUNTIME_DIR, "podman/podman.sock"))
    expect(engineSockets(home).map((socket) => socket.path)).toEqual([lying.path, path])
    expect((await naming.named([unseen()]))[0]?.container?.name).toBe("shop-db-1")
  })

  it("is not asked again by a list for a while, if it gave no answer", async () => {
    const home = emptyHome()
    const { asked } = await engineAt(join(home.XDG_RUNTIME_DIR, "docker.sock"), () => {})
    const naming = makeNaming(home)
    // 1 ms is over by the second time.
    for (let time = 0; time < 3; time++) await naming.named([unseen()], 1)
    expect(asked()).toBe(1)
    await naming.named([unseen()])
    expect(asked()).toBe(2)
  })
})

it("asks once for many at the same time, if they may have an older answer, and each time if not", async () => {
  const { asked, path } = await engine(() => [composed(3001)])
  const naming = makeNaming(using(path))
  await Promise.all(Array.from({ length: 50 }, () => naming.named([unseen()], 60_000)))
  await naming.published(new Set([3001]), 60_000)
  expect(asked()).toBe(1)
  await naming.named([unseen()])
  expect(asked()).toBe(2)
})

it("asks nothing if no listener may be a container's", async () => {
  const { asked, path } = await engine(() => [composed(3001)])
  const naming = makeNaming(using(path))
  await naming.named([unseen({ process: someProcess() })])
  await naming.published(new Set())
  expect(asked()).toBe(0)
})

it("does without an engine that has ended, and without any", async () => {
  const home = emptyHome()
  const path = join(home.XDG_RUNTIME_DIR, "docker.sock")
  mkdirSync(dirname(path))
  const server = createServer()
  await new Promise<void>((done) => server.listen(join(home.HOME, "first.sock"), done))
  // It stays when the server has ended, as after kill -9.
  linkSync(join(home.HOME, "first.sock"), path)
  await new Promise((done) => server.close(done))
  expect(engineSockets(home).map((socket) => socket.path)).toEqual([path])
  for (const environment of [home, emptyHome(), { HOME: "relative" }])
    expect(await makeNaming(environment).named([unseen()])).toEqual([unseen()])
})

describe("the sockets of engines", () => {
  const listening = async (path: string): Promise<string> => {
    mkdirSync(dirname(path), { recursive: true })
    const server = createServer()
    await new Promise<void>((done) => server.listen(path, done))
    onTestFinished(() => void server.close())
    return path
  }
  const found = (environment: Readonly<Record<string, string>>) =>
    engineSockets(environment).map(({ cli, engine: name, path }) => [path, cli[name].join(" ")])
  const context = (home: string, name: string, host: unknown) => {
    const id = createHash("sha256").update(name).digest("hex")
    const folder = join(home, ".docker/contexts/meta", id)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, "meta.json"), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }))
    return (more: object = {}) =>
      writeFileSync(join(home, ".docker/config.json"), JSON.stringify({ auths: {}, currentContext: name, ...more }))
  }

  it.each([
    ".docker/run/docker.sock",
    ".docker/desktop/docker.sock",
    ".colima/default/docker.sock",
    ".orbstack/run/docker.sock",
    ".rd/docker.sock",
    "run/docker.sock"
  ])("are found at %s", async (place) => {
    const home = emptyHome()
    const path = await listening(join(home.HOME, place))
    expect(found(home)).toEqual([[path, `docker --host unix://${path}`]])
  })

  it("are those of DOCKER_HOST and of the current context first, each once", async () => {
    const home = emptyHome()
    const named = await listening(join(home.HOME, "named.sock"))
    const current = await listening(join(home.HOME, ".colima/default/docker.sock"))
    context(home.HOME, "colima", `unix://${current}`)()
    symlinkSync(current, join(home.HOME, "link.sock"))
    expect(found(home)).toEqual([[current, "docker"]])
    // With DOCKER_HOST, plain docker reaches no context.
    expect(found({ ...home, DOCKER_HOST: `unix://${named}` })).toEqual([
      [named, `docker --host unix://${named}`],
      [current, `docker --host unix://${current}`]
    ])
    expect(found({ ...home, DOCKER_HOST: "tcp://127.0.0.1:2375" })).toEqual([
      [current, `docker --host unix://${current}`]
    ])
    expect(found({ ...home, DOCKER_HOST: `unix://${join(home.HOME, "link.sock")}` })).toEqual([
      [join(home.HOME, "link.sock"), "docker"]
    ])
  })

  // Only root can be two users.
  it.runIf(isRoot)("are not another user's, unless DOCKER_HOST names it", async () => {
    const home = emptyHome()
    const path = await listening(join(home.XDG_RUNTIME_DIR, "docker.sock"))
    chownSync(path, NOBODY, NOBODY)
    expect(found(home)).toEqual([])
    expect(found({ ...home, DOCKER_HOST: `unix://${path}` })).toEqual([[path, `docker --host unix://${path}`]])
  })

  it("are those of the context that DOCKER_CONTEXT names, in the folder of DOCKER_CONFIG", async () => {
    const { HOME, ...home } = emptyHome()
    const path = await listening(join(HOME, "far.sock"))
    context(HOME, "far", `unix://${path}`)
    expect(found({ ...home, HOME })).toEqual([])
    expect(found({ ...home, HOME, DOCKER_CONTEXT: "far" })).toEqual([[path, "docker"]])
    expect(found({ ...home, HOME: "/", DOCKER_CONFIG: join(HOME, ".docker"), DOCKER_CONTEXT: "far" })).toEqual([
      [path, "docker"]
    ])
  })

  it.each<[string, unknown]>([
    ["on another machine", "ssh://me@far"],
    ["by TCP", "tcp://127.0.0.1:2375"],
    ["that is no text", 17],
    ["that is no socket", "unix:///etc/passwd"]
  ])("do not include one %s", async (_, host) => {
    const home = emptyHome()
    context(home.HOME, "far", host)()
    expect(found(home)).toEqual([])
    expect(found({ ...home, DOCKER_HOST: String(host) })).toEqual([])
  })

  it.each(["", "{", "[]", '{"currentContext":17}', '{"currentContext":"gone"}', `{"x":"${"x".repeat(100_000)}"}`])(
    "are found beside a configuration that cannot be read: %.30s",
    async (content) => {
      const home = emptyHome()
      mkdirSync(join(home.HOME, ".docker"))
      writeFileSync(join(home.HOME, ".docker/config.json"), content)
      const path = await listening(join(home.XDG_RUNTIME_DIR, "podman/podman.sock"))
      expect(found(home)).toHaveLength(1)
      expect(found(home)[0]?.[0]).toBe(path)
    }
  )
})
