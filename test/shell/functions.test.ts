import { execFileSync, spawn } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { createServer } from "node:http"
import { createServer as createTcpServer } from "node:net"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { collect, type Daemon, type Machine, machine, PROGRAM, type Run, startDaemon } from "../support/cli.ts"
import { serves } from "../support/http.ts"
import { isRoot } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"
import { ALICE } from "../support/users.ts"

/** The functions that `d shell` defines, in real shells. */

const RANGES = { AUTOMATELINUX_APP_RANGE: "20240-20339", AUTOMATELINUX_SPECIAL_RANGE: "20340-20399" }
const PORT = 20_241
const HTTP = 20_340

const STARTS = { bash: ["bash", "--norc"], zsh: ["zsh", "-f"] } as const
type Named = keyof typeof STARTS

/** A machine whose daemon has one app, and serves HTTP. */
const serving = async (env: Readonly<Record<string, string>> = {}): Promise<{ box: Machine; daemon: Daemon }> => {
  const box = machine({ ...RANGES, AUTOMATELINUX_HTTP: "on", AUTOMATELINUX_PROBE_INTERVAL: "1 hour", ...env })
  await box.ok("allocate", "--app", "cad")
  const daemon = await startDaemon(box)
  if (env["AUTOMATELINUX_HTTP"] !== "off") await serves(box, HTTP)
  return { box, daemon }
}

const databaseOf = (box: Machine): string => join(box.home, ".local/state/automatelinux/ports.sqlite")

/** The environment of a shell in which `d` is a program, which leaves a line in `started` each time. */
const withProgram = (box: Machine) => {
  const directory = temporary()
  const started = join(directory, "started")
  writeFileSync(started, "")
  const text = `#!/bin/sh\necho "$*" >> ${started}\nexec ${process.execPath} ${PROGRAM} "$@"\n`
  writeFileSync(join(directory, "d"), text, { mode: 0o755 })
  return {
    env: { ...box.env, PATH: `${directory}:${box.env["PATH"]}` },
    /** What the program was started with, but for `d shell`. */
    started: () =>
      readFileSync(started, "utf8")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("shell "))
  }
}

/** Runs a script in a shell that has the functions. */
const script = async (box: Machine, shell: Named, text: string): Promise<Run & { started: ReadonlyArray<string> }> => {
  const { env, started } = withProgram(box)
  const file = join(temporary(), "script")
  writeFileSync(file, `eval "$(command d shell ${shell})"\n${text}\n`)
  const [program, ...words] = STARTS[shell]
  const run = await collect(spawn(program, [...words, file], { env, cwd: box.home, stdio: ["ignore", "pipe", "pipe"] }))
  return { ...run, started: started() }
}

const STRICT: Readonly<Record<Named, string>> = {
  bash: "set -euo pipefail; shopt -s nocasematch extglob nullglob; set -f; IFS=0123456789",
  zsh: "setopt errexit nounset ksharrays shwordsplit warncreateglobal nullglob extendedglob; IFS=0123456789"
}

/** The definitions of oh-my-zsh, and what people write themselves. */
const TAKEN: Readonly<Record<Named, string>> = {
  bash: "shopt -s expand_aliases; alias d='echo alias'; d() { echo function; }",
  zsh: "function d () { if [[ -n $1 ]]; then dirs \"$@\"; else dirs -v | head -n 10; fi }; alias d='dirs -v'"
}

describe.each(["bash", "zsh"] as const)("%s", (shell) => {
  it("sets REPLY, prints for d, and starts no program", async () => {
    const { box } = await serving()
    const run = await script(
      box,
      shell,
      'dport cad-dev; echo "<$REPLY>"; d get cad-prod; x=$(d getPort --key cad-dev); echo "$x"; d getPort --key=cad-dev; echo "<$REPLY>"'
    )
    const lines = [`<${PORT}>`, `${PORT - 1}`, `${PORT}`, `${PORT}`, `<${PORT}>`]
    expect(run).toEqual({ code: 0, stdout: `${lines.join("\n")}\n`, stderr: "", started: [] })
  })

  it("creates no process in a loop of 1,000", { timeout: 60_000 }, async () => {
    const { box } = await serving()
    const { env, started } = withProgram(box)
    const functions = await box.ok("shell", shell)
    const calls = async (times: number): Promise<number> => {
      const place = temporary()
      const text = `${functions}\ni=0; while [ $i -lt ${times} ]; do dport cad-dev; [ "$REPLY" = ${PORT} ] || exit 9; i=$((i+1)); done`
      writeFileSync(join(place, "script"), text)
      const log = join(place, "log")
      const words = ["-f", "--seccomp-bpf", "-qq", "-e", "trace=clone,clone3,fork,vfork,execve", "-o", log]
      const child = spawn("strace", [...words, ...STARTS[shell], join(place, "script")], { env, cwd: box.home })
      expect(await collect(child)).toEqual({ code: 0, stdout: "", stderr: "" })
      return readFileSync(log, "utf8").split("\n").length
    }
    expect(await calls(1000)).toBe(await calls(0))
    expect(started()).toEqual([])
  })

  it("never answers what was so before", async () => {
    const { box } = await serving()
    const change = `sqlite3 ${databaseOf(box)} "UPDATE settings SET setting_value = '20252' WHERE setting_key = 'port_cad-dev'"`
    const run = await script(box, shell, `dport cad-dev; echo $REPLY; ${change}; dport cad-dev; echo $REPLY`)
    expect(run).toEqual({ code: 0, stdout: `${PORT}\n20252\n`, stderr: "", started: [] })
  })

  it("works under strict options, in functions and subshells, whatever IFS is", async () => {
    const { box } = await serving()
    const run = await script(
      box,
      shell,
      `${STRICT[shell]}
REPLY=before
f() { dport cad-dev; printf '%s\\n' "$REPLY"; }
f; (f); x=$(f); printf '%s\\n' "$x"
d getPort --key cad-dev
if dport none 2>/dev/null; then echo wrong; fi
printf '<%s>\\n' "$REPLY"
dport cad-prod && printf '%s\\n' "$REPLY" "$IFS"`
    )
    const ports = [PORT, PORT, PORT, PORT, "<>", PORT - 1, "0123456789"]
    expect(run).toMatchObject({ code: 0, stdout: `${ports.join("\n")}\n`, stderr: "" })
    expect(run.started).toEqual(["getPort --key none"])
  })

  it("takes the word d back from an alias and a function", async () => {
    const { box } = await serving()
    const { env } = withProgram(box)
    const [program, ...words] = STARTS[shell]
    const child = spawn(program, words, { env, cwd: box.home, stdio: ["pipe", "pipe", "pipe"] })
    child.stdin.end(`${TAKEN[shell]}\neval "$(command d shell ${shell})"\nd getPort --key cad-dev\nd version\nd ping\n`)
    const version = (await box.ok("version")).trim()
    expect(await collect(child)).toEqual({ code: 0, stdout: `${PORT}\n${version}\npong\n`, stderr: "" })
  })

  it("defines the names that are documented, and no others", async () => {
    const { box } = await serving()
    const names =
      shell === "bash"
        ? "{ compgen -v; compgen -A function; } | sort"
        : `print -l -- \${(k)parameters} \${(k)functions} | sort -u`
    const { env } = withProgram(box)
    const [program, ...words] = STARTS[shell]
    const child = spawn(program, words, { env, cwd: box.home, stdio: ["pipe", "pipe", "pipe"] })
    const load = 'eval "$(command d shell SHELL)"; dport cad-dev; d get cad-dev >/dev/null'.replace("SHELL", shell)
    child.stdin.end(`x=1; ${names} >before\n${load}\n${names} >after\ncomm -13 before after\n`)
    const { stdout } = await collect(child)
    const made = stdout.split("\n").filter((name) => name !== "" && !/^(BASH_|FUNCNAME|PIPESTATUS|_$)/.test(name))
    for (const name of made) expect(name).toMatch(/^(d|dport|REPLY|__dport_\w+)$/)
    expect(made).toEqual(expect.arrayContaining(["d", "dport", "REPLY"]))
  })

  it("has the program answer once the daemon is killed", async () => {
    const { box, daemon } = await serving()
    const run = await script(
      box,
      shell,
      `dport cad-dev; echo $REPLY; kill -9 ${daemon.pid}; sleep 0.2; dport cad-dev; echo $REPLY`
    )
    expect(run).toMatchObject({ code: 0, stdout: `${PORT}\n${PORT}\n`, started: ["getPort --key cad-dev"] })
  })

  it("does not wait long for a daemon that is stopped", { timeout: 60_000 }, async () => {
    const { box, daemon } = await serving()
    daemon.signal("SIGSTOP")
    const run = await script(box, shell, "dport cad-dev; echo $REPLY")
    daemon.signal("SIGCONT")
    expect(run).toMatchObject({ code: 0, stdout: `${PORT}\n`, started: ["getPort --key cad-dev"] })
  })

  it("has the program answer for another registry, and for one that is configured since", async () => {
    const { box } = await serving()
    const other = `sqlite:${join(box.home, "other.sqlite")}`
    const elsewhere = box.with({ AUTOMATELINUX_DATABASE_URL: other })
    await elsewhere.ok("setPort", "--key", "cad-dev", "--value", "20265")
    const run = await script(
      box,
      shell,
      `export AUTOMATELINUX_DATABASE_URL=${other}; dport cad-dev 2>/dev/null; echo $REPLY; unset AUTOMATELINUX_DATABASE_URL; dport cad-dev; echo $REPLY; AUTOMATELINUX_DAEMON=never dport cad-dev; echo $REPLY`
    )
    expect(run).toMatchObject({ code: 0, stdout: `20265\n${PORT}\n${PORT}\n` })
    expect(run.started).toHaveLength(2)
    // The functions are older than the file, which names another registry.
    const functions = await box.ok("shell", shell)
    mkdirSync(join(box.home, ".config/automatelinux"), { recursive: true })
    writeFileSync(join(box.home, ".config/automatelinux/ports.json"), JSON.stringify({ databaseUrl: other }))
    const { env, started } = withProgram(box)
    const file = join(temporary(), "script")
    writeFileSync(file, `${functions}\ndport cad-dev 2>/dev/null; echo $REPLY\n`)
    const [program, ...words] = STARTS[shell]
    const late = await collect(
      spawn(program, [...words, file], { env, cwd: box.home, stdio: ["ignore", "pipe", "pipe"] })
    )
    expect(late.stdout).toBe("20265\n")
    expect(started()).toEqual(["getPort --key cad-dev"])
  })

  it("passes everything else to the program, with its exit code", async () => {
    const { box } = await serving()
    const run = await script(
      box,
      shell,
      'd getPort --key cad-dev --json; d get none 2>/dev/null; echo "code $?"; d get 2>/dev/null; echo "code $?"; dport none 2>/dev/null; echo "code $? <$REPLY>"; dport "a b" 2>/dev/null; echo "code $?"; d get 20241 2>/dev/null; echo "code $?"'
    )
    const lines = [`{"key":"cad-dev","port":${PORT}}`, "code 1", "code 2", "code 1 <>", "code 2", "code 2"]
    expect(run.stdout).toBe(`${lines.join("\n")}\n`)
  })

  it.each(["--help", "-h", "--json cad-dev", "cad-dev cad-prod", "--key cad-dev"])(
    "takes one key, and not %s",
    async (words) => {
      const { box } = await serving()
      const run = await script(box, shell, `dport ${words}; echo "code $? <$REPLY>"`)
      expect(run).toEqual({
        code: 0,
        stdout: "code 2 <>\n",
        stderr: "error: dport takes one key\nhint: dport KEY\n",
        started: []
      })
    }
  )

  it("prints the port of the directory's app without a key", async () => {
    const { box } = await serving()
    mkdirSync(join(box.home, "cad"))
    writeFileSync(join(box.home, "cad/package.json"), JSON.stringify({ name: "cad" }))
    const run = await script(box, shell, "cd cad; dport; echo $REPLY")
    expect(run).toMatchObject({ code: 0, stdout: `${PORT}\n${PORT}\n` })
  })
})

it("in zsh, needs no HTTP", async () => {
  const { box } = await serving({ AUTOMATELINUX_HTTP: "off" })
  const run = await script(box, "zsh", "dport cad-dev; echo $REPLY")
  expect(run).toEqual({ code: 0, stdout: `${PORT}\n`, stderr: "", started: [] })
})

it("in bash, asks the program without HTTP", async () => {
  const { box } = await serving({ AUTOMATELINUX_HTTP: "off" })
  const run = await script(box, "bash", "dport cad-dev; echo $REPLY")
  expect(run).toEqual({ code: 0, stdout: `${PORT}\n`, stderr: "", started: ["getPort --key cad-dev"] })
})

it("completes the keys in a table that only other programs have written", async () => {
  const box = machine({ ...RANGES, AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  await box.ok("setPort", "--key", "cad-dev", "--value", String(PORT))
  execFileSync("sqlite3", [
    databaseOf(box),
    "DROP TABLE port_claims; DROP TABLE port_keys; DROP TABLE port_owners; DROP TABLE port_reserved; DROP TABLE port_history; DROP TABLE port_health; DROP TABLE port_registry"
  ])
  await startDaemon(box)
  expect(await box.ok("__complete", "bash", "get", "")).toBe("d-complete words\ncad-dev\n")
  expect(await box.ok("__complete", "bash", "undo", "")).toBe("d-complete words\n")
})

it("completes what is in the registry", async () => {
  const { box } = await serving({ AUTOMATELINUX_HOST: "desk" })
  await box.ok("reserve", "--port", "20300", "--reason", "A test")
  const complete = async (...words: ReadonlyArray<string>) =>
    (await box.ok("__complete", "bash", ...words)).trimEnd().split("\n").slice(1)
  expect(await complete("listPorts", "--host", "")).toEqual(["desk"])
  expect(await complete("release", "--app", "")).toEqual(["cad"])
  const { operations } = JSON.parse(await box.ok("history", "--json"))
  expect(await complete("undo", "")).toEqual(operations.map(({ number }: { number: number }) => String(number)))
  expect(await complete("explain", "--port", "")).toEqual(expect.arrayContaining([`${PORT - 1}`, `${PORT}`]))
  expect(await complete("unreserve", "")).toEqual(["20300"])
})

describe("another program at the socket", () => {
  /** Takes the place of the daemon, and says one thing to everybody. Returns how often it was asked. */
  const impostor = async (box: Machine, answer: string) => {
    const path = box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? ""
    rmSync(path, { force: true })
    let asked = 0
    const server = createTcpServer((socket) => {
      asked++
      socket.on("error", () => {})
      socket.on("data", () => socket.end(answer))
    })
    await new Promise<void>((done) => server.listen(path, done))
    chmodSync(path, 0o600)
    onTestFinished(() => void server.close())
    return { path, asked: () => asked }
  }
  const found = (key: string, port: number) =>
    `{"ok":true,"version":"0.1.0","result":{"key":"${key}","port":${port}}}\n`

  it.each([
    ["other JSON", '{"x":4242}\n'],
    ["another key's port", found("pt-dev", 4242)],
    ["a failure", '{"ok":false,"version":"0.1.0","result":{"key":"cad-dev","port":4242}}\n'],
    ["what is no port", found("cad-dev", 99_999)],
    ["no whole line", found("cad-dev", 4242).trimEnd()]
  ])("is not believed by zsh if it answers %s", async (_, answer) => {
    const { box, daemon } = await serving()
    await daemon.stop("SIGKILL")
    await impostor(box, answer)
    // The program has checks of its own.
    const { started } = await script(box, "zsh", "dport cad-dev 2>/dev/null; echo $REPLY")
    expect(started).toEqual(["getPort --key cad-dev"])
  })

  it.runIf(isRoot)("is not even asked by zsh if it is another user's", async () => {
    const { box, daemon } = await serving()
    await daemon.stop("SIGKILL")
    const { asked, path } = await impostor(box, found("cad-dev", 4242))
    chownSync(path, ALICE, ALICE)
    const run = await script(box, "zsh", "dport cad-dev 2>/dev/null; echo $REPLY")
    expect(run).toMatchObject({ stdout: `${PORT}\n`, started: ["getPort --key cad-dev"] })
    expect(asked()).toBe(0)
  })
})

describe("another program at the port of HTTP", () => {
  const proofOf = (box: Machine): string => `${box.env["AUTOMATELINUX_PORTS_SOCKET"]}.http`

  it.each<[string, (path: string) => void]>([
    [
      "is of another registry",
      (path) => writeFileSync(path, readFileSync(path, "utf8").replace(/\S+\n$/, "0000000000000000\n"))
    ],
    [
      "is a link",
      (path) => {
        renameSync(path, `${path}.real`)
        symlinkSync(`${path}.real`, path)
      }
    ],
    ...(isRoot
      ? [["is another user's", (path: string) => chownSync(path, ALICE, ALICE)] as [string, (path: string) => void]]
      : [])
  ])("is not asked by bash if the file with the proof %s", async (_, change) => {
    const { box } = await serving()
    change(proofOf(box))
    const run = await script(box, "bash", "dport cad-dev; echo $REPLY")
    expect(run).toMatchObject({ stdout: `${PORT}\n`, started: ["getPort --key cad-dev"] })
  })

  it.each([
    ["that answers as the API does", undefined],
    ["that sends the question back as the proof", "x-ports-proof"]
  ])("%s is not believed", async (_, header) => {
    const { box, daemon } = await serving()
    const words = readFileSync(proofOf(box), "utf8")
    // It leaves the file behind.
    await daemon.stop("SIGKILL")
    expect(readFileSync(proofOf(box), "utf8")).toBe(words)
    let asked = 0
    const server = createServer((request, response) => {
      asked++
      if (header !== undefined) response.setHeader(header, String(request.headers["x-ports-ask"]))
      response.end("4242\n")
    })
    await new Promise<void>((done) => server.listen(HTTP, "127.0.0.1", done))
    onTestFinished(() => void server.close())
    const run = await script(box, "bash", "dport cad-dev; echo $REPLY; d get cad-dev")
    expect(run).toMatchObject({ code: 0, stdout: `${PORT}\n${PORT}\n` })
    expect(run.started).toEqual(["getPort --key cad-dev", "get cad-dev"])
    expect(asked).toBe(2)
  })

  it("is not waited for if it says nothing, or only the beginning", { timeout: 30_000 }, async () => {
    const { box, daemon } = await serving()
    await daemon.stop("SIGKILL")
    const server = createTcpServer((socket) => void socket.write("HTTP/1.1 200 OK\r\nx-ports-proof: "))
    await new Promise<void>((done) => server.listen(HTTP, "127.0.0.1", done))
    onTestFinished(() => void server.close())
    const run = await script(box, "bash", "dport cad-dev; echo $REPLY")
    expect(run).toMatchObject({ code: 0, stdout: `${PORT}\n`, started: ["getPort --key cad-dev"] })
  })

  it("does not end the shell if it closes at once", { timeout: 60_000 }, async () => {
    const { box, daemon } = await serving()
    await daemon.stop("SIGKILL")
    const server = createTcpServer((socket) => {
      socket.on("error", () => {})
      socket.resetAndDestroy()
    })
    await new Promise<void>((done) => server.listen(HTTP, "127.0.0.1", done))
    onTestFinished(() => void server.close())
    const ask = "for ((i = 0; i < 500; i++)); do __dport_ask '/api/ports/cad-dev?plain' 2 || :; done"
    const run = await script(box, "bash", `${ask}; echo alive; trap -p PIPE`)
    expect(run).toEqual({ code: 0, stdout: "alive\n", stderr: "", started: [] })
    // A trap from before is in force again.
    const trapped = await script(
      box,
      "bash",
      `trap 'echo mine' PIPE; eval "$(command d shell bash)"; ${ask}; kill -PIPE $$`
    )
    expect(trapped).toMatchObject({ code: 0, stdout: "mine\n" })
  })

  it("cannot learn the proof, which the daemon tells only to who has read its file", async () => {
    const { box, daemon } = await serving()
    expect(statSync(proofOf(box)).mode & 0o777).toBe(0o600)
    const [, ask = "", proof] = readFileSync(proofOf(box), "utf8").trim().split(" ")
    const headersFor = async (headers: Readonly<Record<string, string>>) =>
      (await fetch(`http://127.0.0.1:${HTTP}/api/ports/cad-dev?plain`, { headers })).headers.get("x-ports-proof")
    expect(await headersFor({})).toBe(null)
    expect(await headersFor({ "x-ports-ask": "0".repeat(32) })).toBe(null)
    expect(await headersFor({ "x-ports-ask": ask })).toBe(proof)
    await daemon.stop()
    expect(() => statSync(proofOf(box))).toThrow("ENOENT")
  })
})

it("is set up by the two lines in docs/shell.md", async () => {
  const { box } = await serving()
  const { env, started } = withProgram(box)
  const [, lines = ""] = /```sh\n(.*?)```/s.exec(readFileSync("docs/shell.md", "utf8")) ?? []
  const run = (words: ReadonlyArray<string>) =>
    collect(spawn("bash", words, { env, cwd: box.home, stdio: ["ignore", "pipe", "pipe"] }))
  expect(await run(["-c", `set -e\n${lines}`])).toMatchObject({ code: 0 })
  expect(existsSync(join(box.home, ".local/share/bash-completion/completions/d"))).toBe(true)
  const there = await run(["-ic", "dport cad-dev; echo $REPLY"])
  expect(there.stdout).toBe(`${PORT}\n`)
  expect(started()).toEqual(["completions install"])
})

it("fish asks the program, and takes the word d back", async () => {
  const { box } = await serving()
  const { env } = withProgram(box)
  const text = `function d; dirs $argv; end; command d shell fish | source; dport cad-dev; echo $REPLY; d get cad-dev; dport none 2>/dev/null; or echo failed`
  const child = spawn("fish", ["--no-config", "-c", text], { env, cwd: box.home, stdio: ["ignore", "pipe", "pipe"] })
  expect(await collect(child)).toEqual({ code: 0, stdout: `${PORT}\n${PORT}\nfailed\n`, stderr: "" })
})
