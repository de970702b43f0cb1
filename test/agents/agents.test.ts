import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { runAgents } from "../../src/agents/agents.ts"
import { PARAGRAPH, SKILL } from "../../src/agents/texts.ts"
import { AGENT_NAMES } from "../../src/domain/Agents.ts"
import { machine, PROGRAM } from "../support/cli.ts"
import { temporary } from "../support/root.ts"

/** A home with these files, and a project in it. `d` is a link to the program, as npm makes it. */
const user = (files: Readonly<Record<string, string>> = {}) => {
  const home = temporary()
  const root = join(home, "work/shop")
  const script = join(home, "lib/automatelinux-ports/dist/d.cjs")
  const write = (name: string, text: string | Buffer): string => {
    const file = join(home, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    return file
  }
  write("lib/automatelinux-ports/dist/d.cjs", "")
  mkdirSync(join(root, ".git"), { recursive: true })
  mkdirSync(join(home, "bin"))
  symlinkSync(script, join(home, "bin/d"))
  for (const [name, text] of Object.entries(files)) write(name, text)
  const run = async (
    words: string,
    {
      env = {},
      node = process.execPath,
      started = join(home, "bin/d")
    }: {
      env?: Readonly<Record<string, string>>
      node?: string
      started?: string
    } = {}
  ) => {
    const [action = "", ...rest] = words.split(" ")
    const names = AGENT_NAMES.filter((name) => rest.includes(name))
    const told: Array<string> = []
    const answer = await runAgents(
      { action, names, dryRun: rest.includes("--dry-run"), json: rest.includes("--json") },
      {
        environment: { HOME: home, PATH: "/usr/bin:/bin", ...env },
        root,
        node,
        script: started,
        tell: async (...lines) => void told.push(...lines)
      }
    )
    const told2 = told.join("\n").replaceAll(home, "~")
    return typeof answer === "string"
      ? { text: answer.replaceAll(home, "~"), told: told2 }
      : {
          error: { ...answer, message: answer.message.replaceAll(home, "~"), hint: answer.hint.replaceAll(home, "~") },
          told: told2
        }
  }
  const read = (name: string) => readFileSync(join(home, name), "utf8")
  const status = async (words = "status --json", options = {}) => {
    const { text = "" } = await run(words, options)
    const states: Record<string, string> = {}
    for (const { agent, parts } of JSON.parse(text).agents)
      for (const { part, state } of parts) states[`${agent} ${part}`] = state
    return states
  }
  return { home, root, script, write, run, read, status }
}

/** Every file below `directory`, with its content, its mode and when it was written. */
const snapshot = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const file = join(directory, name)
      const stats = lstatSync(file)
      if (stats.isSymbolicLink()) return `${name} -> ${readlinkSync(file)}`
      if (stats.isDirectory()) return `${name}/`
      return `${name} ${stats.mode.toString(8)} ${stats.ino} ${stats.mtimeMs} ${readFileSync(file, "latin1")}`
    })

const withoutTimes = (lines: ReadonlyArray<string>) => lines.map((line) => line.replace(/ (\d+) \d+ [\d.]+ /, " $1 "))

const CODEX = '# mine\nmodel = "gpt-5" # best\n\n[mcp_servers.docs]\ncommand = "docs"\n'
const VSCODE =
  '{\n  // servers of mine\n  "servers": {\n    "x": { "url": "http://x" }, // x\n  },\n  "inputs": [],\n}\n'
const CLAUDE = '{\n  "numStartups": 5,\n  "mcpServers": {},\n  "projects": {\n    "/x": { "mcpServers": {} }\n  }\n}'

/** A home in which every agent is used. */
const LIVED_IN = {
  ".claude.json": CLAUDE,
  ".claude/settings.json": "{}\n",
  ".codex/config.toml": CODEX,
  ".cursor/mcp.json": '{"mcpServers":{"a":{"command":"a"}}}',
  ".gemini/settings.json": '{\r\n  "theme": "dark"\r\n}\r\n',
  ".config/Code/User/mcp.json": VSCODE,
  ".config/Code/User/settings.json": "{}",
  "work/shop/AGENTS.md": "# Shop\n\nBe kind.\n"
}

describe("d agents install", () => {
  it("writes what each agent's documentation says, and uninstall gives the bytes of before", async () => {
    const me = user(LIVED_IN)
    const before = withoutTimes(snapshot(me.home))
    const { text } = await me.run("install")
    expect(text).toBe(`claude: changed ~/.claude.json
claude: made ~/.claude/skills/automatelinux-ports/SKILL.md
codex: changed ~/.codex/config.toml
codex: made ~/.agents/skills/automatelinux-ports/SKILL.md
cursor: changed ~/.cursor/mcp.json
cursor: made ~/.cursor/skills/automatelinux-ports/SKILL.md
gemini: changed ~/.gemini/settings.json
gemini: unchanged: ~/.agents/skills/automatelinux-ports/SKILL.md
vscode: changed ~/.config/Code/User/mcp.json
vscode: unchanged: ~/.agents/skills/automatelinux-ports/SKILL.md
agents-md: changed ~/work/shop/AGENTS.md
a running agent reads this when it is started again`)
    const { mcpServers } = JSON.parse(me.read(".claude.json"))
    expect(Object.keys(mcpServers.ports)).toEqual(["type", "command", "args"])
    expect(mcpServers.ports).toMatchObject({ type: "stdio", args: [me.script, "mcp"] })
    expect(JSON.parse(me.read(".gemini/settings.json")).mcpServers.ports).toMatchObject({ args: [me.script, "mcp"] })
    expect(me.read(".codex/config.toml").startsWith(`${CODEX}\n# BEGIN automatelinux-ports`)).toBe(true)
    expect(me.read("work/shop/AGENTS.md")).toBe(`# Shop\n\nBe kind.\n\n${PARAGRAPH.join("\n")}\n`)
    for (const directory of [".claude", ".agents", ".cursor"])
      expect(me.read(`${directory}/skills/automatelinux-ports/SKILL.md`)).toBe(SKILL)
    expect(Object.values(await me.status())).toEqual(Array(11).fill("current"))

    const installed = snapshot(me.home)
    expect((await me.run("install")).text?.match(/unchanged/g)).toHaveLength(11)
    expect(snapshot(me.home)).toEqual(installed)

    await me.run("uninstall")
    expect(withoutTimes(snapshot(me.home))).toEqual(before)
    expect(await me.run("uninstall")).toEqual({ text: "nothing is installed for any agent", told: "" })
  })

  it("writes for an agent that is named, though it is not used here, and leaves nothing of it", async () => {
    const me = user()
    const before = withoutTimes(snapshot(me.home))
    expect((await me.run("install")).error).toEqual({
      code: "not-found",
      message: "no coding agent is found on this machine",
      hint: "name it: d agents install --for claude; --for takes one of claude, codex, cursor, gemini, vscode, agents-md"
    })
    for (const name of AGENT_NAMES) {
      expect((await me.run(`install ${name}`)).text).toContain(`${name}: made `)
      const states = Object.entries(await me.status()).filter(([part]) => part.startsWith(`${name} `))
      expect(states.map(([, state]) => state)).toEqual(states.map(() => "current"))
    }
    expect(statSync(join(me.home, ".claude.json")).mode & 0o777).toBe(0o600)
    await me.run("uninstall")
    const isEmpty = (line: string) => /^\.(claude|codex|cursor|gemini|config)\/$|^\.config\/Code\/(User\/)?$/.test(line)
    expect(withoutTimes(snapshot(me.home)).filter((line) => !isEmpty(line))).toEqual(before)
    // Nor does what is left look as if an agent was used.
    expect((await me.run("install")).error?.code).toBe("not-found")
  })

  it("says what would change, line by line, and changes nothing", async () => {
    const me = user({ ".codex/config.toml": CODEX, ".gemini/settings.json": "{}" })
    const before = snapshot(me.home)
    const { text = "" } = await me.run("install --dry-run")
    expect(text.split("\n").slice(0, 8)).toEqual([
      "codex: would change ~/.codex/config.toml",
      "+ # BEGIN automatelinux-ports: written by d agents install",
      "+ [mcp_servers.ports]",
      expect.stringMatching(/^\+ command = "\/.*"$/),
      '+ args = ["~/lib/automatelinux-ports/dist/d.cjs", "mcp"]',
      "+ # END automatelinux-ports",
      "codex: would make ~/.agents/skills/automatelinux-ports/SKILL.md",
      "+ ---"
    ])
    // The second agent would find the skill that the first one gets.
    expect(text).toContain("gemini: unchanged: ~/.agents")
    const { text: document = "" } = await me.run("install --dry-run --json")
    expect(JSON.parse(document)).toMatchObject({
      dryRun: true,
      agents: [
        {
          agent: "codex",
          files: [
            { part: "mcp", change: "changed", removed: [] },
            { part: "skill", change: "made" }
          ]
        },
        {
          agent: "gemini",
          files: [
            { part: "mcp", change: "changed" },
            { part: "skill", change: "none" }
          ]
        }
      ]
    })
    expect(snapshot(me.home)).toEqual(before)
    await me.run("install")
    const installed = snapshot(me.home)
    expect((await me.run("uninstall --dry-run")).text).toContain("codex: would change ~/.codex/config.toml\n- # BEGIN")
    expect(snapshot(me.home)).toEqual(installed)
  })

  it("changes nothing for an agent whose file cannot be parsed, and says for which it did", async () => {
    const me = user({ ...LIVED_IN, ".claude.json": '{\n  "a": 1,,\n}', ".codex/config.toml": "a = 1\nb =\n" })
    const { error, told } = await me.run("install")
    expect(told).toContain("cursor: changed ~/.cursor/mcp.json\n")
    expect(error?.earlier?.map(({ message }) => message.replaceAll(me.home, "~"))).toEqual([
      expect.stringContaining("nothing is changed for Claude Code: ~/.claude.json is not JSON, at line 2, column 10")
    ])
    expect(error).toMatchObject({
      code: "conflict",
      message: expect.stringContaining("nothing is changed for Codex: ~/.codex/config.toml is not TOML, at line 2"),
      hint: "correct it, and run this again"
    })
    expect(me.read(".claude.json")).toBe('{\n  "a": 1,,\n}')
    expect(existsSync(join(me.home, ".claude/skills"))).toBe(false)
    expect(await me.status()).toMatchObject({
      "claude mcp": "unreadable",
      "codex mcp": "unreadable",
      "gemini mcp": "current"
    })
  })

  it("undoes the first of an agent's files if the second cannot be written", async () => {
    const me = user({ ".claude.json": CLAUDE, ".claude/skills": "a file, not a directory" })
    const before = withoutTimes(snapshot(me.home))
    const { error } = await me.run("install claude")
    expect(error).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/SKILL\.md: a part of its path/)
    })
    expect(withoutTimes(snapshot(me.home))).toEqual(before)
  })

  it("leaves what is somebody else's", async () => {
    const me = user({
      ".cursor/mcp.json": '{"mcpServers":{"ports":{"url":"http://ports"}}}',
      ".agents/skills/automatelinux-ports/SKILL.md": "mine\n",
      ".gemini/settings.json": "{}"
    })
    const before = snapshot(me.home)
    const { error } = await me.run("install")
    expect(error?.earlier?.[0]?.message).toContain("/.cursor/mcp.json has another server that is called ports")
    expect(error?.message).toContain("SKILL.md was not written by d agents install")
    expect(await me.status()).toMatchObject({
      "cursor mcp": "foreign",
      "gemini skill": "foreign",
      "gemini mcp": "none"
    })
    expect((await me.run("uninstall")).text).toBe("nothing is installed for any agent")
    expect(snapshot(me.home)).toEqual(before)
  })

  it("follows links, and keeps modes", async () => {
    const me = user({ "dotfiles/mcp.json": "{}", "dotfiles/AGENTS.md": "mine" })
    chmodSync(join(me.home, "dotfiles/mcp.json"), 0o640)
    mkdirSync(join(me.home, ".cursor"))
    symlinkSync("../dotfiles/mcp.json", join(me.home, ".cursor/mcp.json"))
    symlinkSync("../dotfiles", join(me.home, ".cursor/skills"))
    symlinkSync("../../dotfiles/AGENTS.md", join(me.root, "AGENTS.md"))
    // To a file that does not exist yet.
    symlinkSync("dotfiles/claude.json", join(me.home, ".claude.json"))
    const before = withoutTimes(snapshot(me.home))
    expect((await me.run("install cursor claude agents-md")).error).toBeUndefined()
    expect(readlinkSync(join(me.home, ".cursor/mcp.json"))).toBe("../dotfiles/mcp.json")
    expect(me.read("dotfiles/mcp.json")).toContain("ports")
    expect(me.read("dotfiles/claude.json")).toContain("ports")
    expect(me.read("dotfiles/automatelinux-ports/SKILL.md")).toBe(SKILL)
    expect(me.read("dotfiles/AGENTS.md")).toContain("d claim")
    expect(statSync(join(me.home, "dotfiles/mcp.json")).mode & 0o777).toBe(0o640)
    await me.run("uninstall")
    expect(withoutTimes(snapshot(me.home)).filter((line) => line !== ".claude/")).toEqual(before)
  })

  it("refuses what it cannot replace whole", async () => {
    const me = user({ ".cursor/mcp.json": "{}", ".codex/config.toml": "" })
    linkSync(join(me.home, ".cursor/mcp.json"), join(me.home, "other.json"))
    expect((await me.run("install cursor")).error?.message).toContain("has hard links, which a change would break")
    rmSync(join(me.home, "other.json"))
    me.write(".cursor/mcp.json", Buffer.from('{"a":"\xff"}', "latin1"))
    expect((await me.run("install cursor")).error?.message).toContain("is not text in UTF-8")
    rmSync(join(me.home, ".cursor/mcp.json"))
    mkdirSync(join(me.home, ".cursor/mcp.json"))
    expect((await me.run("install cursor")).error?.message).toContain("is not a regular file")
  })

  it("reports each agent that it could not do, and the others all the same", async () => {
    const box = machine()
    for (const [file, text] of [
      [".cursor/mcp.json", "{"],
      [".gemini/settings.json", "{"],
      [".codex/config.toml", "["]
    ] as const) {
      mkdirSync(dirname(join(box.home, file)), { recursive: true })
      writeFileSync(join(box.home, file), text)
    }
    const words = ["agents", "install", "--for", "codex", "--for", "cursor", "--for", "gemini", "--dry-run"]
    const { code, stderr, stdout } = await box.d(...words, "--json")
    expect([code === 0, stdout]).toEqual([false, ""])
    const { error, errors } = JSON.parse(stderr.trimEnd().split("\n").at(-1) ?? "")
    expect(
      errors.map(({ message }: { readonly message: string }) => /config.toml|settings.json|mcp.json/.exec(message)?.[0])
    ).toEqual(["config.toml", "mcp.json", "settings.json"])
    expect(error).toEqual(errors[2])
    const plain = (await box.d(...words)).stderr
    expect(plain.match(/^error: /gm)).toHaveLength(3)
    expect(plain.match(/^hint: /gm)).toHaveLength(3)
  })

  it("honours CLAUDE_CONFIG_DIR, CODEX_HOME and XDG_CONFIG_HOME", async () => {
    const me = user()
    const env = {
      CLAUDE_CONFIG_DIR: join(me.home, "c"),
      CODEX_HOME: join(me.home, "x"),
      XDG_CONFIG_HOME: join(me.home, "g")
    }
    const { text } = await me.run("install claude codex vscode", { env })
    expect(text).toContain("~/c/.claude.json")
    expect(text).toContain("~/c/skills/automatelinux-ports/SKILL.md")
    expect(text).toContain("~/x/config.toml")
    expect(text).toContain("~/g/Code/User/mcp.json")
  })

  it("says if Claude Code will not read AGENTS.md", async () => {
    const me = user({ "work/shop/CLAUDE.md": "# Shop\n" })
    expect((await me.run("install agents-md")).told).toBe(
      "note: beside ~/work/shop/CLAUDE.md, Claude Code reads AGENTS.md only if that has the line @AGENTS.md"
    )
    me.write("work/shop/CLAUDE.md", "@AGENTS.md\n")
    expect((await me.run("install agents-md")).told).toBe("")
    rmSync(join(me.root, "CLAUDE.md"))
    symlinkSync("AGENTS.md", join(me.root, "CLAUDE.md"))
    expect((await me.run("install agents-md")).told).toBe("")
  })

  it("warns that npx may remove the program", async () => {
    const me = user()
    const started = me.write(".npm/_npx/1/node_modules/automatelinux-ports/dist/d.cjs", "")
    expect((await me.run("install claude", { started })).told).toContain("npm install -g automatelinux-ports")
  })

  it("refuses an agent that it does not know", async () => {
    const means = { environment: {}, root: "/", node: "", script: "", tell: async () => {} }
    expect(await runAgents({ action: "install", names: ["emacs"], dryRun: false, json: false }, means)).toEqual({
      code: "invalid",
      message: "no agent is called emacs",
      hint: "--for takes one of claude, codex, cursor, gemini, vscode, agents-md"
    })
  })
})

describe("an entry of another d", () => {
  const entry = (command: string, ...args: ReadonlyArray<string>) =>
    JSON.stringify({ mcpServers: { ports: { command, args, env: { A: "1" } } } })

  it("is told from one of this d, and from one that is gone, and brought up to date", async () => {
    const me = user({ ".cursor/x": "" })
    const other = me.write("elsewhere/dist/d.cjs", "")
    const states = {
      [entry(process.execPath, me.script, "mcp")]: "current",
      [entry(process.execPath, join(me.home, "bin/d"), "mcp")]: "current",
      [entry(join(me.home, "bin/d"), "mcp")]: "gone",
      [entry(process.execPath, other, "mcp")]: "other",
      [entry(process.execPath, join(me.home, "gone/d.cjs"), "mcp")]: "gone",
      [entry("/opt/old/bin/node", me.script, "mcp")]: "gone",
      // As in the PATH of whoever starts the agent.
      [entry("d", "mcp")]: "gone",
      [entry("npx", "-y", "automatelinux-ports", "mcp")]: existsSync("/usr/bin/npx") ? "other" : "gone",
      [entry("ports-server", "mcp")]: "foreign",
      [entry("d", "serve")]: "foreign"
    }
    for (const [text, state] of Object.entries(states)) {
      me.write(".cursor/mcp.json", text)
      expect((await me.status())["cursor mcp"], text).toBe(state)
      const { error } = await me.run("install cursor")
      if (state === "foreign") expect(error?.code).toBe("conflict")
      else {
        expect((await me.status())["cursor mcp"], text).toBe("current")
        // What somebody has added stays.
        expect(me.read(".cursor/mcp.json")).toContain('"env":{"A":"1"}')
        if (state === "current") expect(me.read(".cursor/mcp.json")).toBe(text)
      }
    }
  })

  it("is shown by status, with what to do", async () => {
    const me = user({ ".cursor/mcp.json": entry("/opt/node", "/opt/d.cjs", "mcp"), ".codex/config.toml": "a = \n" })
    const { text } = await me.run("status cursor codex agents-md")
    expect(text).toBe(`AGENT      FOUND  WHAT        STATE          FILE
codex      yes    MCP server  unreadable     ~/.codex/config.toml
codex      yes    skill       not installed  ~/.agents/skills/automatelinux-ports/SKILL.md
cursor     yes    MCP server  d is gone      ~/.cursor/mcp.json
cursor     yes    skill       not installed  ~/.cursor/skills/automatelinux-ports/SKILL.md
agents-md  no     paragraph   not installed  ~/work/shop/AGENTS.md
~/.codex/config.toml is not TOML, at line 1, column 5: ${text?.split("column 5: ")[1]?.split("\n")[0]}
cursor starts /opt/node /opt/d.cjs mcp
d agents install brings them up to date`)
  })
})

describe("a text of an earlier d", () => {
  it("is replaced, and what people have written around it is not", async () => {
    const [begin = "", , , , end = ""] = PARAGRAPH
    const me = user({
      "work/shop/AGENTS.md": `# Shop\r\n\r\n${begin}\r\nOld.\r\n${end}\r\nMore.\r\n`,
      ".cursor/skills/automatelinux-ports/SKILL.md": SKILL.replace("Never:", "Not:")
    })
    expect(await me.status()).toMatchObject({ "agents-md paragraph": "old", "cursor skill": "old" })
    await me.run("install")
    expect(me.read("work/shop/AGENTS.md")).toBe(`# Shop\r\n\r\n${PARAGRAPH.join("\r\n")}\r\nMore.\r\n`)
    expect(await me.status()).toMatchObject({ "agents-md paragraph": "current", "cursor skill": "current" })
    await me.run("uninstall")
    expect(me.read("work/shop/AGENTS.md")).toBe("# Shop\r\nMore.\r\n")
  })

  it.each([
    ["one that does not end", (begin: string) => `a\n${begin}\nb\n`, "line 2: a block begins that does not end"],
    [
      "two",
      (begin: string, end: string) => `${begin}\n${end}\n${begin}\n${end}\n`,
      "line 3: a second block begins there"
    ],
    [
      "one that ends first",
      (begin: string, end: string) => `${end}\n${begin}\n`,
      "line 2: a block begins that does not end"
    ]
  ])("is left as it is if its marks are damaged: %s", async (_, damaged, problem) => {
    const me = user({ "work/shop/AGENTS.md": damaged(PARAGRAPH[0] ?? "", PARAGRAPH.at(-1) ?? "") })
    const before = snapshot(me.home)
    expect((await me.run("install agents-md")).error?.message).toContain(problem)
    expect((await me.run("uninstall agents-md")).error?.message).toContain(problem)
    expect(snapshot(me.home)).toEqual(before)
  })
})

describe("a skill that agents share", () => {
  const SHARED = ".agents/skills/automatelinux-ports/SKILL.md"

  it("stays until the last of them is uninstalled", async () => {
    const me = user({ ".codex/x": "", ".gemini/x": "" })
    await me.run("install")
    expect((await me.run("uninstall codex")).text).toBe(
      `codex: removed ~/.codex/config.toml\ncodex: kept ~/${SHARED}, which other agents use`
    )
    expect(me.read(SHARED)).toBe(SKILL)
    await me.run("uninstall gemini")
    expect(existsSync(join(me.home, ".agents"))).toBe(false)
  })

  it("stays if the file of another agent cannot be read", async () => {
    const me = user({ ".codex/x": "" })
    await me.run("install")
    mkdirSync(join(me.home, ".gemini/settings.json"), { recursive: true })
    expect((await me.run("uninstall codex")).text).toContain(`codex: kept ~/${SHARED}`)
  })

  it("stays for one that cannot be uninstalled", async () => {
    const me = user({ ".codex/x": "", ".gemini/x": "" })
    await me.run("install")
    me.write(".gemini/settings.json", "{")
    const { error, told } = await me.run("uninstall")
    expect(error?.message).toContain("nothing is changed for Gemini CLI")
    expect(told).toBe(`codex: removed ~/.codex/config.toml\ncodex: kept ~/${SHARED}, which other agents use`)
    expect(me.read(SHARED)).toBe(SKILL)
  })
})

describe("the skill", () => {
  it("has the front matter of the open format, and is short", () => {
    const [, front = "", body = ""] = SKILL.split(/^---\n/m)
    const [, name = "", description = ""] = /^name: (.*)\ndescription: (.*)\n$/.exec(front) ?? []
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    expect(description.length).toBeLessThan(400)
    // A scalar of YAML that needs no quotes.
    expect(description).not.toMatch(/: | #|^["'[{>|*&!%@`-]/)
    expect(body.split(/\s+/).length).toBeLessThan(200)
  })
})

it("leaves times alone if there is nothing to do", async () => {
  const me = user(LIVED_IN)
  await me.run("install")
  const file = join(me.home, ".codex/config.toml")
  utimesSync(file, 1, 1)
  await me.run("install")
  expect(statSync(file).mtimeMs).toBe(1000)
})

it("is run by the program, whose own path an entry has", async () => {
  const box = machine({ XDG_CONFIG_HOME: "" })
  mkdirSync(join(box.home, ".git"))
  expect(await box.d("agents")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("d agents install|uninstall|status")
  })
  expect((await box.d("agents", "status", "--dry-run")).code).toBe(2)
  expect((await box.d("agents", "install", "--json")).stderr).toContain('{"error":{"code":"not-found"')
  expect(await box.ok("agents", "install", "--for", "claude", "--for=agents-md")).toContain(
    `claude: made ${box.home}/.claude.json\n`
  )
  const { command, args } = JSON.parse(readFileSync(join(box.home, ".claude.json"), "utf8")).mcpServers.ports
  expect(args).toEqual([PROGRAM, "mcp"])
  // As an agent starts it, without a PATH.
  const request = { jsonrpc: "2.0", id: 1, method: "ping" }
  const answer = await box.sh(`echo '${JSON.stringify(request)}' | PATH=/nowhere ${command} ${args.join(" ")}`)
  expect(JSON.parse(answer.stdout)).toEqual({ jsonrpc: "2.0", id: 1, result: {} })
  expect(JSON.parse(await box.ok("agents", "status", "--for", "agents-md", "--json"))).toEqual({
    agents: [
      {
        agent: "agents-md",
        title: "AGENTS.md",
        found: true,
        parts: [{ part: "paragraph", file: join(box.home, "AGENTS.md"), state: "current", detail: null }]
      }
    ]
  })
  expect(await box.ok("agents", "uninstall")).toBe(
    `claude: removed ${box.home}/.claude.json\nclaude: removed ${box.home}/.claude/skills/automatelinux-ports/SKILL.md\nagents-md: removed ${box.home}/AGENTS.md\n`
  )
})
