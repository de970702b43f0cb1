import { spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { startDaemon } from "../support/cli.ts"
import { findingsOf, hold, rangesFrom, serve, started, until } from "../support/doctor.ts"
import { composed, engine, engineAt } from "../support/engine.ts"
import { git, repository } from "../support/git.ts"
import { inProcess } from "../support/inProcess.ts"
import { asNobody, isRoot } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"
import { isFree } from "../support/running.ts"

const RANGES = rangesFrom(29_300)

const worktrees = () => {
  const main = repository()
  const linked = join(main, ".worktrees/fix")
  git(main, "worktree", "add", "-q", "-b", "fix", linked)
  return { main, linked }
}

it.each([false, true])(
  "says whose server answers, for two worktrees of which one is in the other; daemon: %s",
  async (daemon) => {
    const box = inProcess(RANGES)
    if (daemon) await startDaemon(box)
    const { linked, main } = worktrees()
    const ports = new Map<string, number>()
    for (const root of [main, linked]) ports.set(root, Number(await box.ok("claim", "--dir", root)))
    const check = (root: string) => box.d("check", "--dir", root)
    for (const root of [main, linked]) {
      const run = await check(root)
      expect(run).toMatchObject({ code: 1, stderr: "" })
      expect(run.stdout).toMatch(/^nothing listens on 293\d\d \(.*-dev\)\n$/)
    }
    // Each one's server on the other one's port.
    for (const [root, other] of [
      [main, linked],
      [linked, main]
    ] as const) {
      const port = ports.get(root) ?? 0
      const foreign = await serve(port, { directory: other })
      const run = await check(root)
      expect(run.code, run.stdout).toBe(4)
      expect(run.stdout).toMatch(
        new RegExp(
          `^${port} \\(.*-dev\\) is served by node, pid ${foreign.pid}, in ${other}(, the directory of .*)?, not from ${root}\\n$`
        )
      )
      expect((await box.d("doctor", "--check", "port-taken")).stdout).toContain(`pid ${foreign.pid}`)
      await foreign.stop()
    }
    for (const root of [main, linked]) {
      const sub = join(root, "packages/web")
      mkdirSync(sub, { recursive: true })
      await serve(ports.get(root) ?? 0, { directory: sub })
      expect((await check(root)).code).toBe(0)
      expect((await check(sub)).code).toBe(0)
    }
    expect((await box.d("doctor", "--check", "port-taken")).code).toBe(0)
    const document = JSON.parse((await box.d("check", "--dir", main, "--json")).stdout)
    expect(document).toMatchObject({
      port: ports.get(main),
      directory: main,
      verdict: "own",
      listeners: [{ own: true }]
    })
  }
)

it.each(["127.0.0.1", "::1", "0.0.0.0", "::"])("knows a server on %s", async (host) => {
  const box = inProcess(RANGES)
  const mine = temporary()
  await box.ok("claim", "--dir", mine, "--app", "cad")
  const server = await serve(29_301, { directory: mine, host })
  expect((await box.d("check", "--dir", mine, "--app", "cad")).code).toBe(0)
  expect((await box.d("check", "--dir", temporary(), "--key", "cad-dev")).code).toBe(4)
  await server.stop()
})

it("knows a server by the process that has opened its socket, wherever those work that it has forked", async () => {
  const box = inProcess(RANGES)
  const [mine, other] = [temporary(), temporary()]
  await box.ok("claim", "--dir", mine, "--app", "cad")
  const script = `socket(S, PF_INET, SOCK_STREAM, 0) && setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1) or die;
    bind(S, sockaddr_in(29301, INADDR_LOOPBACK)) && listen(S, 9) or die;
    pipe(R, W); $| = 1;
    if ($child = fork) { sysread(R, $word, 1); print "up"; $SIG{TERM} = sub { kill 9, $child; exit }; sleep }
    else { chdir $ARGV[0]; syswrite(W, "x"); sleep }`
  for (const [from, to, code] of [
    [mine, join(mine, "packages/web"), 0],
    [mine, other, 0],
    [other, other, 4]
  ] as const) {
    mkdirSync(to, { recursive: true })
    const child = spawn("perl", ["-MSocket", "-e", script, to], { cwd: from, stdio: ["ignore", "pipe", "inherit"] })
    await started(child, from)
    const run = await box.d("check", "--dir", mine, "--app", "cad")
    expect(run.code, run.stdout).toBe(code)
    expect(run.stdout).toContain(`pid ${child.pid}, in ${from}`)
    const ended = new Promise((done) => child.once("exit", done))
    child.kill("SIGTERM")
    await ended
    await isFree(29_301)
  }
})

it("believes none of two servers of which one is another's", async () => {
  const box = inProcess(RANGES)
  const mine = temporary()
  await box.ok("claim", "--dir", mine, "--app", "cad")
  await serve(29_301, { directory: mine, host: "127.0.0.1" })
  const other = await serve(29_301, { host: "::1" })
  const run = await box.d("check", "--dir", mine, "--app", "cad")
  expect(run.code).toBe(4)
  expect(run.stdout).toContain(`pid ${other.pid}`)
})

it("waits for a server that takes its time, and no longer than it was told", async () => {
  const box = inProcess(RANGES)
  const mine = temporary()
  await box.ok("claim", "--dir", mine, "--app", "cad")
  expect((await box.d("check", "--dir", mine, "--app", "cad", "--wait", "300ms")).code).toBe(1)
  const late = box.d("check", "--dir", mine, "--app", "cad", "--wait", "20s")
  await serve(29_301, { directory: mine })
  expect((await late).code).toBe(0)
  expect((await box.d("check", "--app", "cad", "--wait", "soon")).stderr).toBe(
    'error: wait "soon" is not a time: write 30s, 500ms or 2m\nhint: d check --help\n'
  )
})

it("waits for a server whose port is yet to be claimed, as after d run in the background", async () => {
  const box = inProcess(RANGES)
  const mine = temporary()
  expect((await box.d("check", "--dir", mine, "--app", "cad", "--wait", "300ms")).stderr).toContain("not set")
  const early = box.d("check", "--dir", mine, "--app", "cad", "--wait", "20s")
  await box.ok("claim", "--dir", mine, "--app", "cad")
  await serve(29_301, { directory: mine })
  expect((await early).code).toBe(0)
})

// Only root can be two users.
it.runIf(isRoot)("cannot tell whose another user's server is", async () => {
  const directory = temporary()
  const { chmodSync } = await import("node:fs")
  chmodSync(directory, 0o777)
  const env = { ...RANGES, AUTOMATELINUX_DATABASE_URL: `sqlite:${directory}/ports.sqlite` }
  await asNobody(env, "allocate", "--app", "cad")
  await serve(29_301)
  const run = await asNobody(env, "check", "--key", "cad-dev", "--dir", directory)
  expect(run.code).toBe(3)
  expect(run.stdout).toBe(
    `cannot tell whether 29301 (cad-dev) is served from ${directory}: by a process of root (details not visible to you)\n`
  )
})

it("sees nothing of a listener in another network, nor one that only has bound the port", async () => {
  const box = inProcess(RANGES)
  const mine = temporary()
  await box.ok("claim", "--dir", mine, "--app", "cad")
  await hold(29_301)
  expect((await box.d("check", "--dir", mine, "--app", "cad")).code).toBe(1)
  await box.ok("claim", "--dir", mine, "--key", "cad-socket")
  const script = `exec ${process.execPath} -e 'require("net").createServer().listen(29400, () => console.log("up"))'`
  const user = isRoot ? [] : ["--map-root-user"]
  await started(
    spawn("unshare", [...user, "--net", "bash", "-c", script], { cwd: mine, stdio: ["ignore", "pipe", "ignore"] }),
    mine
  )
  expect((await box.d("check", "--dir", mine, "--key", "cad-socket")).code).toBe(1)
})

it.each([false, true])(
  "follows the proxy of a container to its compose project, as the doctor does; daemon: %s",
  async (daemon) => {
    const mine = temporary()
    const path = join(mine, "engine.sock")
    const box = inProcess({ ...RANGES, DOCKER_HOST: `unix://${path}` })
    if (daemon) await startDaemon(box)
    await box.ok("claim", "--dir", mine, "--app", "cad")
    let directory = mine
    await engine(() => [composed(29_301, { directory })], path)
    await serve(29_301, { directory: "/", words: ["-container-ip", "172.17.0.2", "-container-port", "5432"] })
    const check = () => box.d("check", "--dir", mine, "--app", "cad")
    const doctor = () => findingsOf(box, "port-taken")
    expect((await until(check, ({ code }) => code !== 3)).code).toBe(0)
    expect(await doctor()).toEqual([])
    directory = join(mine, "db")
    expect((await until(check, ({ code }) => code !== 3)).code).toBe(0)
    expect(await doctor()).toEqual([])
    directory = "/opt/other"
    const run = await until(check, ({ code }) => code !== 3)
    expect(run.code).toBe(4)
    expect(run.stdout).toBe(
      `29301 (cad-dev) is served by container shop-db-1, image postgres:16, compose project shop in /opt/other, not from ${mine}\n`
    )
    const [finding] = await until(doctor, (found) => found.length > 0)
    expect(finding).toMatchObject({
      severity: "error",
      fix: `docker --host unix://${path} stop shop-db-1`,
      advice: "if it is the app of cad-dev: d doctor --accept cad-dev"
    })
    expect(finding?.message).toMatch(
      /^29301 \(cad-dev\) is served by container shop-db-1, .* in \/opt\/other; it belongs to /
    )
    expect(await box.ok("doctor", "--accept", "cad-dev")).toContain("cad-dev now belongs to /opt/other")
    expect(await doctor()).toEqual([])
  }
)

it("cannot tell whose a container is that no engine knows", async () => {
  const mine = temporary()
  const box = inProcess({ ...RANGES, DOCKER_HOST: `unix://${join(mine, "engine.sock")}` })
  await box.ok("claim", "--dir", mine, "--app", "cad")
  const proxy = await serve(29_301, { directory: "/", words: ["-container-ip", "172.17.0.2", "-container-port", "80"] })
  const { asked } = await engineAt(join(mine, "engine.sock"), (_, response) => response.end("<html>"))
  const run = await box.d("check", "--dir", mine, "--app", "cad")
  expect(run.code).toBe(3)
  expect(run.stdout).toBe(
    `cannot tell whether 29301 (cad-dev) is served from ${mine}: by node, pid ${proxy.pid}, container 172.17.0.2:80\n`
  )
  expect(asked()).toBe(1)
})

it("does not take what works in a directory above for its own, unless they are of one worktree", async () => {
  const box = inProcess(RANGES)
  const [loose, tree] = [temporary(), repository()]
  for (const [above, code, verdict] of [
    [loose, 3, "unknown"],
    [tree, 0, "own"]
  ] as const) {
    const app = join(above, "app")
    mkdirSync(app)
    writeFileSync(join(app, "package.json"), '{"name":"app"}')
    const port = Number(await box.ok("claim", "--dir", app))
    const server = await serve(port, { directory: above })
    const asked = async (...words: ReadonlyArray<string>) => {
      const run = await box.d("check", "--dir", app, "--json", ...words)
      return [run.code, JSON.parse(run.stdout).verdict, JSON.parse(run.stdout).listeners[0].app]
    }
    const key = JSON.parse(await box.ok("claim", "--dir", app, "--json")).key
    expect(await asked()).toEqual([code, verdict, null])
    // The directory above has an app, too.
    writeFileSync(join(above, "package.json"), '{"name":"whole"}')
    const { app: around } = JSON.parse(await box.ok("claim", "--dir", above, "--json"))
    expect(await asked()).toEqual([4, "other", around])
    expect(await asked("--key", key)).toEqual([4, "other", around])
    expect((await box.d("doctor", "--check", "port-taken")).stdout).toContain(`is the directory of ${around}`)
    await server.stop()
  }
})
