import { spawn } from "node:child_process"
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { beforeAll, beforeEach, describe, expect, it } from "vitest"
import { PROXIES } from "../../src/domain/Proxy.ts"
import { type Machine, machine, PROGRAM, startDaemon } from "../support/cli.ts"
import { inProcess } from "../support/inProcess.ts"
import { asUser, isRoot, NOBODY } from "../support/otherUser.ts"
import { ensure } from "../support/programs.ts"
import { once, temporary } from "../support/root.ts"

/** The files that `d proxy` prints, compares and writes. */

const RANGES = { AUTOMATELINUX_APP_RANGE: "21800-21839", AUTOMATELINUX_SPECIAL_RANGE: "21840-21859" }

/** Keys, ports and names of the registry that most of these tests have. */
const NAMES = [
  { name: "cad.localhost", key: "cad-dev", port: 21_801 },
  { name: "cad-prod.localhost", key: "cad-prod", port: 21_800 },
  { name: "stream.localhost", key: "stream", port: 21_840 }
]

let box: Machine

beforeEach(async () => {
  box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad", "--special", "stream")
})

const usual = (name: string): string => join(box.home, ".config/automatelinux/proxy", name)

const proxy = (...words: ReadonlyArray<string>) => box.d("proxy", ...words)

const refusal = (message: string, hint: string, code = 1) => ({
  code,
  stdout: "",
  stderr: `error: ${message}\nhint: ${hint}\n`
})

describe("d proxy render", () => {
  it("prints the names, the keys, the ports and the URLs as a document", async () => {
    const told = async (...words: ReadonlyArray<string>) =>
      JSON.parse(await box.ok("proxy", "render", ...words, "--json"))
    for (const each of ["caddy", "nginx", "haproxy", "traefik"])
      expect(await told("--for", each)).toEqual(NAMES.map((one) => ({ ...one, url: `http://${one.name}` })))
    expect(await told("--for", "nginx", "--port", "8080", "--domain", "Dev.Example.com")).toEqual(
      NAMES.map((one) => {
        const name = one.name.replace("localhost", "dev.example.com")
        return { ...one, name, url: `http://${name}:8080` }
      })
    )
    expect(await told("--for", "hosts")).toEqual(
      NAMES.map((one) => ({ ...one, url: `http://${one.name}:${one.port}` }))
    )
  })

  it("prints what apply writes", async () => {
    for (const each of PROXIES) {
      const file = join(box.home, each)
      await box.ok("proxy", "apply", "--for", each, "--file", file)
      expect(readFileSync(file, "utf8"), each).toBe(await box.ok("proxy", "render", "--for", each))
    }
  })

  it("says which keys have a name with a hash, and leaves out those of other hosts and those that are no keys", async () => {
    const there = box.with({ AUTOMATELINUX_HOST: "there" })
    await there.ok("allocate", "--app", "theirs", "--app", "shared")
    // An app that has a directory here is used here, too.
    await box.ok("allocate", "--app", "shared", "--dir", box.home)
    await box.ok("allocate", "--special", "cad", "--special", "ports-dashboard")
    await box.sh(
      `sqlite3 .local/state/automatelinux/ports.sqlite "INSERT INTO settings (setting_key, setting_value) VALUES ('port_a b{}', '21830')"`
    )
    const { code, stderr, stdout } = await proxy("render", "--for", "hosts", "--json")
    expect(code).toBe(0)
    expect(JSON.parse(stdout).map(({ key }: { readonly key: string }) => key)).toEqual([
      "cad-dev",
      "cad-prod",
      "cad",
      "shared-dev",
      "shared-prod",
      "stream"
    ])
    expect(stderr).toBe(
      'note: left out theirs-prod and theirs-dev, which only other hosts use\nwarning: left out "a b{}": not a valid key\nnote: cad got a name with a hash, because another key has the name without it\n'
    )
  })

  it("asks a daemon if one answers", async () => {
    const built = machine(RANGES)
    await startDaemon(built)
    await built.ok("allocate", "--app", "cad")
    expect(await built.ok("proxy", "render", "--for", "hosts")).toContain("127.0.0.1 cad.localhost\n")
  })
})

describe("d proxy apply and diff", () => {
  it("say how to include a new file and how to reload, and leave a file alone that is up to date", async () => {
    const file = usual("nginx.conf")
    expect(await proxy("diff", "--for", "nginx")).toEqual({
      code: 1,
      stdout: expect.stringMatching(new RegExp(`^--- /dev/null\n\\+\\+\\+ ${file}\n@@ -0,0 \\+1,\\d+ @@\n(\\+.*\n)+$`)),
      stderr: ""
    })
    expect(readdirSync(box.home)).not.toContain(".config")
    const reload = "note: to have it read the change: sudo nginx -t && sudo nginx -s reload\n"
    expect(await proxy("apply", "--for", "nginx")).toEqual({
      code: 0,
      stdout: `made ${file}\n`,
      stderr: `note: add this line at the end of the http block of nginx.conf, once: include ${file};\n${reload}`
    })
    expect(statSync(file).mode & 0o777).toBe(0o644)
    chmodSync(file, 0o600)
    utimesSync(file, 1000, 1000)
    expect(await proxy("apply", "--for", "nginx")).toEqual({ code: 0, stdout: `unchanged: ${file}\n`, stderr: "" })
    expect(await proxy("diff", "--for", "nginx")).toEqual({ code: 0, stdout: "", stderr: "" })
    expect(statSync(file).mtimeMs).toBe(1_000_000)
    await box.ok("allocate", "--app", "pt")
    expect(await proxy("apply", "--for", "nginx")).toEqual({ code: 0, stdout: `changed ${file}\n`, stderr: reload })
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it.each([
    ["caddy", "Caddyfile", "import", "systemctl reload caddy"],
    ["haproxy", "haproxy.cfg", "-f", "systemctl reload haproxy"],
    ["traefik", "traefik.yaml", "providers.file.filename:", undefined]
  ])("say so for %s, too", async (name, file, include, reload) => {
    const { stderr } = await proxy("apply", "--for", name)
    expect(stderr).toContain(`${include} ${usual(file)}\n`)
    expect(/reload/.test(stderr)).toBe(reload !== undefined)
    if (reload !== undefined) expect(stderr).toContain(reload)
  })

  it("print documents", async () => {
    const file = usual("Caddyfile")
    const told = async (code: number, ...words: ReadonlyArray<string>) => {
      const run = await proxy(...words, "--for", "caddy", "--json")
      expect(run.code).toBe(code)
      return JSON.parse(run.stdout)
    }
    const names = NAMES.map((one) => ({ ...one, url: `http://${one.name}` }))
    expect(await told(1, "diff")).toEqual({ for: "caddy", file, differs: true, diff: expect.stringContaining("+++ ") })
    expect(await told(0, "apply", "--dry-run")).toEqual({ for: "caddy", dryRun: true, names, file, change: "made" })
    expect(await told(1, "diff")).toMatchObject({ differs: true })
    expect(await told(0, "apply")).toEqual({ for: "caddy", dryRun: false, names, file, change: "made" })
    expect(await told(0, "apply")).toMatchObject({ change: "none" })
    expect(await told(0, "diff")).toEqual({ for: "caddy", file, differs: false, diff: "" })
  })

  it("replace a file that was edited only with --force", async () => {
    const file = usual("haproxy.cfg")
    await box.ok("proxy", "apply", "--for", "haproxy", "--port", "8080")
    const text = readFileSync(file, "utf8")
    for (const edited of [
      text.replace(":8080", ":8081"),
      `${text}# mine\n`,
      text.replace(/.*checksum.*\n/, ""),
      text.replace(/checksum: \w+/, "checksum: 0123456789abcdef")
    ]) {
      writeFileSync(file, edited)
      for (const dry of [[], ["--dry-run"]])
        expect(await proxy("apply", "--for", "haproxy", "--port", "8080", ...dry)).toEqual(
          refusal(
            `${file} was edited since d proxy wrote it`,
            "d proxy diff --for haproxy --port 8080 shows the difference; to replace it, repeat with --force"
          )
        )
      expect(readFileSync(file, "utf8")).toBe(edited)
      expect((await proxy("diff", "--for", "haproxy", "--port", "8080")).code).toBe(1)
      expect(await box.ok("proxy", "apply", "--for", "haproxy", "--port", "8080", "--force")).toBe(`changed ${file}\n`)
      expect(readFileSync(file, "utf8")).toBe(text)
    }
    // Other line breaks are no edit.
    writeFileSync(file, text.replaceAll("\n", "\r\n"))
    expect(await box.ok("proxy", "apply", "--for", "haproxy", "--port", "8080")).toBe(`changed ${file}\n`)
  })

  it("never replace a file of another program", async () => {
    const file = join(box.home, "Caddyfile")
    writeFileSync(file, "example.com {\n}\n")
    for (const words of [[], ["--force"], ["--dry-run"]])
      expect(await proxy("apply", "--for", "caddy", "--file", file, ...words)).toEqual(
        refusal(`${file} was not written by d proxy`, "choose another file with --file, or move this one away")
      )
    expect(await proxy("diff", "--for", "caddy", "--file", file)).toMatchObject({
      code: 1,
      stderr: `note: ${file} was not written by d proxy, and apply leaves it as it is\n`
    })
    expect(readFileSync(file, "utf8")).toBe("example.com {\n}\n")
    writeFileSync(file, "\n")
    expect(await box.ok("proxy", "apply", "--for", "caddy", "--file", file)).toBe(`changed ${file}\n`)
  })

  it("follow a link, and refuse what is no file of text", async () => {
    const real = join(box.home, "real.conf")
    const link = join(box.home, "link.conf")
    symlinkSync("real.conf", link)
    expect(await box.ok("proxy", "apply", "--for", "nginx", "--file", "link.conf")).toBe(`made ${link}\n`)
    expect(readlinkSync(link)).toBe("real.conf")
    expect(lstatSync(real).isFile()).toBe(true)
    expect(await proxy("apply", "--for", "nginx", "--file", box.home)).toEqual(
      refusal(`${box.home} is not a regular file`, `ls -ld ${box.home}`)
    )
    const missing = join(real, "nginx.conf")
    expect(await proxy("apply", "--for", "nginx", "--file", missing)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("a part of its path is no directory")
    })
    writeFileSync(real, Buffer.from([0xff, 0xfe, 0]))
    expect(await proxy("apply", "--for", "nginx", "--file", real)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is not text in UTF-8")
    })
    writeFileSync(real, "")
    linkSync(real, join(box.home, "other.conf"))
    expect(await proxy("apply", "--for", "nginx", "--file", real)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("has hard links")
    })
  })

  it("quote a path with a space for the proxy", async () => {
    expect((await proxy("apply", "--for", "nginx", "--file", "a b.conf")).stderr).toContain(
      `include "${box.home}/a b.conf";`
    )
  })

  it("do nothing without a proxy, with an unknown one, or with options that do not go together", async () => {
    const forms = "--for caddy|nginx|traefik|haproxy|hosts [--domain DOMAIN] [--port PORT]"
    expect(await proxy("diff")).toEqual(
      refusal("Missing required arg: for", `d proxy diff ${forms} [--file FILE|--live]`, 2)
    )
    expect(await proxy("apply", "--for", "apache")).toEqual(
      refusal("d proxy does not know apache", "--for takes one of caddy, nginx, traefik, haproxy, hosts", 2)
    )
    for (const [words, message] of [
      ["render --for caddy --force", "--force does not go with render"],
      ["diff --for caddy --force", "--force does not go with diff"],
      ["diff --for caddy --dry-run", "--dry-run does not go with diff"],
      ["render --for caddy --file x", "--file does not go with render"],
      ["render --for caddy --live", "--live does not go with render"],
      ["apply --for nginx --live", "--live does not go with --for nginx"],
      ["apply --for caddy --live --file x", "--live does not go with --file"],
      ["apply --for caddy --live --force", "--live does not go with --force"],
      ["apply --for hosts --port 81", "--port does not go with --for hosts"],
      ["apply --for traefik --port 81", "--port does not go with --for traefik"],
      ["apply --for nginx --port 65536", 'port "65536" is not a port'],
      ["apply --for nginx --domain a;b", 'domain "a;b" is not a domain'],
      ["apply --for nginx --file=", 'file "" is empty: name a file']
    ] as const) {
      const { code, stderr, stdout } = await proxy(...words.split(" "))
      expect({ code, stdout }, words).toEqual({ code: 2, stdout: "" })
      expect(stderr.startsWith(`error: ${message}`), stderr).toBe(true)
    }
    expect(readdirSync(box.home)).not.toContain(".config")
  })
})

const BLOCK = [
  "# >>> d proxy >>>",
  "# Written by d. To bring this up to date: d proxy apply --for hosts --domain test",
  "# If the lines below are edited, d keeps them. Their checksum: [0-9a-f]{16}",
  "127\\.0\\.0\\.1 cad\\.test",
  "127\\.0\\.0\\.1 cad-prod\\.test",
  "127\\.0\\.0\\.1 stream\\.test",
  "# <<< d proxy <<<"
]

describe("the file of host names", () => {
  let file: string

  beforeEach(() => {
    file = join(box.home, "hosts")
  })

  const hosts = (action: string, ...words: ReadonlyArray<string>) =>
    proxy(action, "--for", "hosts", "--domain", "test", "--file", file, ...words)

  it.each([
    ["as usual", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n", "\n"],
    ["with the line breaks of Windows", "127.0.0.1 localhost\r\n", "\r\n"],
    ["without a line break at its end", "127.0.0.1 localhost", "\n"]
  ])("%s gets a block, and keeps the rest to the byte", async (_, text, end) => {
    writeFileSync(file, text, { mode: 0o640 })
    expect(await hosts("apply")).toEqual({ code: 0, stdout: `changed ${file}\n`, stderr: "" })
    const written = readFileSync(file, "utf8")
    expect(written.startsWith(text)).toBe(true)
    expect(written.slice(text.length)).toMatch(new RegExp(`^(${end}){1,2}${BLOCK.join(end)}(${end})?$`))
    expect(statSync(file).mode & 0o777).toBe(0o640)
    expect(await hosts("apply")).toMatchObject({ code: 0, stdout: `unchanged: ${file}\n` })
    // The lines after the block stay there.
    writeFileSync(file, `${written}${end}10.0.0.1 db${end}`)
    await box.ok("allocate", "--app", "pt")
    expect(await hosts("apply")).toMatchObject({ code: 0, stdout: `changed ${file}\n` })
    const later = readFileSync(file, "utf8")
    expect(later).toContain(`127.0.0.1 pt.test${end}`)
    expect(later.startsWith(text) && later.endsWith(`${end}10.0.0.1 db${end}`)).toBe(true)
    await box.ok("release", "pt")
    await hosts("apply")
    expect(readFileSync(file, "utf8")).toBe(`${written}${end}10.0.0.1 db${end}`)
  })

  it("keeps a line that was added to the block, unless --force is given", async () => {
    writeFileSync(file, "127.0.0.1 localhost\n")
    await hosts("apply")
    const edited = readFileSync(file, "utf8").replace("# <<<", "127.0.0.1 mine.test\n# <<<")
    writeFileSync(file, edited)
    expect(await hosts("apply")).toEqual(
      refusal(
        `${file} was edited since d proxy wrote it`,
        `d proxy diff --for hosts --domain test --file ${file} shows the difference; to replace it, repeat with --force`
      )
    )
    expect(readFileSync(file, "utf8")).toBe(edited)
    expect(await hosts("apply", "--force")).toMatchObject({ code: 0 })
    expect(readFileSync(file, "utf8")).not.toContain("mine.test")
  })

  it("with a damaged mark is left alone, and the line is named", async () => {
    writeFileSync(file, "127.0.0.1 localhost\n# >>> d proxy >>>\n127.0.0.1 x\n")
    for (const action of ["apply", "diff"])
      expect(await hosts(action)).toEqual(
        refusal(
          `${file} has a damaged mark in line 2: a block begins that does not end`,
          "remove the lines between # >>> d proxy >>> and # <<< d proxy <<<, and these two, by hand"
        )
      )
  })
})

describe("a file that only root may write", () => {
  beforeAll(() => once("installation of patch", () => ensure(["patch"], ["patch"])))

  it.each([
    ["that is there", "127.0.0.1 localhost\n"],
    ["that is not there yet", undefined]
  ])("%s is patched by root, as the hint says", async (_, text) => {
    const directory = temporary()
    chmodSync(directory, isRoot ? 0o755 : 0o555)
    const file = join(directory, "hosts")
    if (text !== undefined) writeFileSync(file, text, { mode: isRoot ? 0o644 : 0o444 })
    const home = temporary()
    chmodSync(home, 0o777)
    const env = { ...RANGES, HOME: home, PATH: process.env["PATH"] ?? "" }
    const nobody = (...words: ReadonlyArray<string>) => asUser(NOBODY, env, ...words)
    await nobody("allocate", "--app", "cad")
    const { code, stderr, stdout } = await nobody("proxy", "apply", "--for", "hosts", "--file", file)
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
    const line = `d proxy diff --for hosts --file ${file} | sudo patch ${file}`
    expect(stderr).toBe(`error: cannot write ${file}: permission denied\nhint: ${line}\n`)
    if (!isRoot) return
    const diff = await nobody("proxy", "diff", "--for", "hosts", "--file", file)
    expect(diff.code).toBe(1)
    writeFileSync(join(home, "diff"), diff.stdout)
    expect(await box.sh(`patch ${file} < ${home}/diff`)).toMatchObject({ code: 0, stderr: "" })
    expect(readFileSync(file, "utf8")).toContain("127.0.0.1 cad.localhost\n")
    expect(await nobody("proxy", "apply", "--for", "hosts", "--file", file)).toMatchObject({
      code: 0,
      stdout: `unchanged: ${file}\n`
    })
  })
})

describe("several at once", () => {
  it("each write a whole file, and none is told to try again", async () => {
    const built = machine(RANGES)
    await built.ok("allocate", "--app", "cad")
    const file = join(built.home, "hosts")
    writeFileSync(file, "127.0.0.1 localhost\n")
    const domains = ["a.test", "b.test", "a.test", "b.test", "a.test"]
    const runs = await Promise.all(
      domains.map((domain) => built.d("proxy", "apply", "--for", "hosts", "--domain", domain, "--file", file))
    )
    for (const { code, stderr } of runs) expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(readFileSync(file, "utf8")).toMatch(
      /^127\.0\.0\.1 localhost\n\n# >>> d proxy >>>\n# .*\n# .*\n127\.0\.0\.1 cad\.([ab])\.test\n127\.0\.0\.1 cad-prod\.\1\.test\n# <<< d proxy <<<\n$/
    )
    expect(readdirSync(built.home).filter((name) => name.startsWith("hosts"))).toEqual(["hosts"])
  })

  it("leave the old file or the new one, whenever one is killed", { timeout: 60_000 }, async () => {
    const built = machine(RANGES)
    await startDaemon(built)
    await built.ok("allocate", "--app", "cad")
    const directory = join(built.home, "etc")
    mkdirSync(directory)
    const file = join(directory, "hosts")
    // Large, so that it takes some time to be written.
    writeFileSync(file, "0.0.0.0 ads.example.com\n".repeat(20_000), { mode: 0o640 })
    const words = (domain: string) => ["proxy", "apply", "--for", "hosts", "--domain", domain, "--file", file]
    const texts: Array<string> = []
    let whole = 0
    for (const domain of ["a.test", "b.test"]) {
      const began = performance.now()
      await built.ok(...words(domain))
      whole = performance.now() - began
      texts.push(readFileSync(file, "utf8"))
    }
    for (let round = 0; round < 20; round++) {
      const domain = round % 2 === 0 ? "a.test" : "b.test"
      const child = spawn(process.execPath, [PROGRAM, ...words(domain)], { env: built.env, stdio: "ignore" })
      const over = new Promise((done) => child.once("exit", done))
      // At a moment of the second half, in which the file is read and written.
      const timer = setTimeout(() => child.kill("SIGKILL"), whole * (0.4 + (0.8 * round) / 20))
      await over
      clearTimeout(timer)
      expect(texts.includes(readFileSync(file, "utf8"))).toBe(true)
      expect(statSync(file).mode & 0o777).toBe(0o640)
    }
    // The next one takes away what the killed ones have left, even if it has nothing to write.
    for (const domain of ["a.test", "a.test"]) {
      writeFileSync(join(directory, "hosts.d-999999999-01234567.tmp"), "x")
      await built.ok(...words(domain))
      expect(readdirSync(directory)).toEqual(["hosts"])
    }
  })
})

it("the lines in docs/proxy.md are understood", async () => {
  const page = readFileSync("docs/proxy.md", "utf8")
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = ""]) => block.split("\n"))
  const lines = [...blocks, ...[...page.matchAll(/`(d proxy [^`]*)`/g)].map(([, line = ""]) => line)]
    .map((line) => line.replace(/ \|.*/, ""))
    .filter((line) => line.startsWith("d proxy "))
  expect(lines.length).toBeGreaterThanOrEqual(7)
  const here = box.with({ CADDY_ADMIN: "localhost:21859" })
  for (const line of lines) {
    const { code, stderr } = await here.d(...line.split(" ").slice(1))
    // No Caddy runs here.
    expect({ code, stderr }, line).toEqual(
      line.includes("--live")
        ? { code: 3, stderr: expect.stringContaining("no Caddy answers at localhost:21859") }
        : { code: line.includes("diff") ? 1 : 0, stderr: expect.not.stringContaining("error") }
    )
  }
})
