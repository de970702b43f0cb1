import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { commandList } from "../../src/commands/commands.ts"
import type { Machine, Run } from "../support/cli.ts"
import { inProcess } from "../support/inProcess.ts"
import { at, rangesEnv } from "../support/ports.ts"

/** Wrong calls: exit code 2, nothing on standard output, one clear error, and a database that is as it was. */
describe("wrong calls", () => {
  const calls: Array<readonly [string, () => Promise<Run>, RegExp]> = []
  let box: Machine

  const wrong = (words: ReadonlyArray<string>, message: RegExp) =>
    calls.push([`d ${JSON.stringify(words)}`, () => box.d(...words), message])

  for (const port of [
    "0",
    "-1",
    "65536",
    "3000abc",
    "3e3",
    "0x0BB8",
    "3000.5",
    "",
    " 3000",
    "+3000",
    "03000",
    "99999999999"
  ]) {
    wrong(
      ["setPort", "--key", "x", "--value", port],
      /^error: value ".*" is not a port: write a whole number from 1 to 65535/
    )
  }
  for (const key of ["a b", "a/b", "a'b", 'a"b', "a%b", "a\\b", "a\nb", "a🚀b", "-a", ".a", "ä", " a"]) {
    wrong([`setPort`, `--key=${key}`, "--value", "3100"], /^error: key ".*" is not a key: use letters, digits/)
  }
  wrong(["setPort", "--key", "", "--value", "3100"], /^error: key "" is empty/)
  wrong(
    ["setPort", "--key", "k".repeat(251), "--value", "3100"],
    /^error: key "k+…" is 251 characters long: a key has at most 250/
  )
  wrong(["allocate", "--app", "a".repeat(246)], /is 246 characters long: an app's name has at most 245/)
  wrong(["allocate", "--app", "cad-dev"], /ends in -dev, which belongs to its keys: write only the app's name, "cad"/)
  wrong(["allocate", "--app", "cad-dev"], /\nhint: d allocate --app cad\n/)
  wrong(["release", "cad-dev"], /\nhint: d deletePort --key cad-dev removes only this one, d release --app cad both\n/)
  wrong(["getPort", "--app", "cad-dev", "--mode", "dev"], /\nhint: d getPort --key cad-dev\n/)
  wrong(["allocate", "--special", "cad-prod"], /ends in -prod, which makes it half of an app's pair: use --app cad/)
  wrong(["allocate", "--app", "x", "--description", "two\nlines"], /description "two\\nlines" has a line break/)
  wrong(["allocate", "--app", "x", "--description", "d".repeat(501)], /is 501 characters long/)
  wrong(["allocate", "--app", "x", "--dir", ""], /^error: dir "" is not an absolute path/)
  wrong(["allocate"], /^error: Missing required arg: app\nhint: d allocate \[--app APP\]/)
  wrong(["allocate", "--description", "x"], /^error: Missing required arg: app\n/)
  wrong(["release"], /^error: Missing required arg: app\nhint: d release/)
  wrong(
    ["getPort"],
    /^error: Missing required arg: key\nhint: d getPort --key KEY \[--allocate \| --cached\], or d getPort --app/
  )
  wrong(["getPort", "--app", "a"], /^error: Missing required arg: mode/)
  wrong(["getPort", "--mode", "dev"], /^error: Missing required arg: app/)
  wrong(["getPort", "--app", "a", "--mode", "test"], /^error: mode "test" is not a mode: write prod or dev/)
  wrong(
    ["getPort", "--key", "a", "--app", "b"],
    /^error: --app does not go with --key: give --key, or --app and --mode\n/
  )
  wrong(["explain", "--port", "1", "--key", "a"], /^error: --key does not go with --port: give one of them\n/)
  wrong(["setPort", "--key", "a"], /^error: Missing required arg: value/)
  wrong(["setPort", "--value", "3100"], /^error: Missing required arg: key/)
  wrong(["reserve", "--port", "3100", "--reason", " "], /^error: reason " " is empty/)
  wrong(
    ["listPorts", "--health", "sick"],
    /^error: health "sick" is not a health: write one of unknown, up, down, stale/
  )
  wrong(["frobnicate"], /^error: Unknown command: frobnicate\nhint: d help lists/)
  wrong(["getport", "--key", "a"], /^error: Unknown command: getport\nhint: did you mean d getPort\?/)
  wrong(["nothing", "--help"], /^error: Unknown command: nothing\nhint: d help lists/)
  wrong(["check", "3000"], /^error: 3000 is a port, not a key\nhint: d explain 3000 shows who has it/)
  wrong(["get", "3000"], /^error: 3000 is a port, not a key\nhint: d explain 3000/)
  wrong(["send"], /^error: send needs a command/)
  wrong(["send", "send", "getPort"], /^error: Unknown command: send/)
  wrong(["--key", "a", "getPort"], /^error: expected a command, not "--key"/)
  wrong(["--json"], /"code":"invalid"/)
  wrong(["getPort", "--Key", "a"], /^error: getPort has no option "--Key"\nhint: did you mean --key\?/)
  wrong(["getPort", "-key", "a"], /^error: unexpected argument "-key"/)
  wrong(["getPort", "--value", "3"], /^error: getPort has no option "--value"\nhint: it belongs to setPort/)
  wrong(["--wizard"], /^error: --wizard asks questions, and needs a terminal for them\nhint: d help/)
  wrong(["getPort", "--wizard"], /^error: --wizard asks questions, and needs a terminal/)
  wrong(["run", "--wizard"], /^error: --wizard asks questions, and needs a terminal/)
  wrong(["send", "--wizard", "--json"], /"code":"invalid","message":"--wizard asks questions/)
  wrong(["getPort", "--wizard", "--key", "a"], /^error: unexpected argument "--key": --wizard asks for everything/)
  wrong(["getport", "--wizard"], /^error: Unknown command: getport\nhint: did you mean d getPort/)
  wrong(["getPort", "--key", "a", "--key", "b"], /^error: --key is given twice/)
  wrong(["getPort", "--key", "a", "--key"], /^error: --key is given twice/)
  wrong(["allocate", "--app", "a", "--app"], /^error: --app needs a value/)
  wrong(["getPort", "--key"], /^error: --key needs a value\nhint: --key KEY/)
  wrong(["setPort", "--key", "--value", "3100"], /^error: --key needs a value, and "--value" is an option/)
  wrong(["getPort", "--key=", "--json"], /"code":"invalid","message":"key \\"\\" is empty/)
  wrong(["getPort", "--key", "a", "--json", "true"], /"message":"unexpected argument \\"true\\"/)
  wrong(["getPort", "--key", "a", "--json=yes"], /"--json=yes": --json takes no value/)
  wrong(
    ["getPort", "a", "b"],
    /^error: unexpected argument "b"\nhint: d getPort --key KEY \[--allocate \| --cached\], or/
  )
  wrong(["set", "a", "b"], /^error: value "b" is not a port/)
  wrong(["doctor", "a"], /^error: unexpected argument "a": values follow an option/)
  wrong(["getPort", "--", "--key", "a"], /^error: unexpected argument "--"/)
  wrong(["getPort", "--", "--help"], /^error: unexpected argument "--"/)
  wrong(["help", "nothing"], /^error: Unknown command: nothing\nhint: d help lists/)
  wrong(["help", "getPort", "more"], /^error: unexpected argument "more"/)
  wrong(["version", "now"], /^error: unexpected argument "now"/)
  wrong(["--version", "now"], /^error: unexpected argument "now"/)
  wrong(["--completions", "tcsh"], /^error: --completions takes the name of one shell, not "tcsh"/)

  beforeAll(async () => {
    box = inProcess(rangesEnv)
    await box.ok("allocate", "--app", "kept", "--special", "too", "--description", "as it was")
    return async () => {
      // After all of them, the registry is as it was.
      expect(await box.ok("listPorts")).toMatch(
        new RegExp(`^KEY.*\\nkept-prod +${at(3000)} .*\\nkept-dev +${at(3001)} .*\\ntoo +${at(3500)} .*\\n$`)
      )
    }
  })

  it.each(calls)("%s", async (_, call, message) => {
    const run = await call()
    expect([run.code, run.stdout]).toEqual([2, ""])
    expect(run.stderr).toMatch(message)
    expect(run.stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2)
  })
})

it.each(["allocate --app a --dir .", "setPort --key a --value 3010 --dir x", "backup copy"])(
  "d %s says so if the current directory was removed",
  async (words) => {
    const run = await inProcess().sh(`mkdir gone; cd gone; rmdir ../gone; d ${words}`)
    expect(run).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(
        /^error: "\S+" is relative to the current directory, which no longer exists\nhint: .*\n$/
      )
    })
  }
)

describe("a directory that is probably not meant", () => {
  const ENV = { AUTOMATELINUX_APP_RANGE: "30100-30149", AUTOMATELINUX_SPECIAL_RANGE: "30150-30199" }

  it.each([
    ["allocate --app a --dir nosuch", "there is no directory", "nosuch"],
    ["allocate --app a --dir file/below", "there is no directory", "file/below"],
    ["allocate --app a --dir=file", "", "file"],
    ["setPort --key a-dev --value 30101 --dir nosuch", "there is no directory", "nosuch"]
  ])("is taken, with a warning: d %s", async (words, problem, name) => {
    const box = inProcess(ENV)
    writeFileSync(join(box.home, "file"), "")
    const run = await box.d(...words.split(" "))
    const directory = JSON.stringify(join(box.home, name))
    const warning = problem === "" ? `${directory} is not a directory` : `${problem} ${directory}`
    expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining(`warning: ${warning}\n`) })
    const { findings } = JSON.parse(await box.ok("doctor", "--json", "--check", "port-unreachable"))
    const advice = `there is no directory ${directory}; release it if it is no longer needed: d release --app a`
    for (const finding of findings) expect(finding).toMatchObject({ fix: null, advice })
    expect(findings.length).toBeGreaterThan(0)
  })

  it("is no reason for a word if it exists, or cannot be looked into", async () => {
    expect(await inProcess(ENV).d("allocate", "--app", "a", "--dir", ".")).toMatchObject({ code: 0, stderr: "" })
  })

  it("is not spoken of beside an error in the command line", async () => {
    const run = await inProcess(ENV).d("allocate", "--dir", "nosuch", "--nonsense")
    expect(run.stderr).not.toContain("warning")
  })
})

describe("wrong configuration", () => {
  const cases: ReadonlyArray<readonly [Record<string, string>, RegExp]> = [
    [
      { AUTOMATELINUX_APP_RANGE: "3001-3500" },
      /^error: AUTOMATELINUX_APP_RANGE "3001-3500" does not start even and end odd/
    ],
    [
      { AUTOMATELINUX_APP_RANGE: "80-99" },
      /^error: AUTOMATELINUX_APP_RANGE "80-99" is not a range of ports: write two ports of 1024/
    ],
    [
      { AUTOMATELINUX_APP_RANGE: "3400-3601" },
      /^error: AUTOMATELINUX_APP_RANGE "3400-3601" overlaps the special range 3500-3999/
    ],
    [{ AUTOMATELINUX_SPECIAL_RANGE: "many" }, /^error: AUTOMATELINUX_SPECIAL_RANGE "many" is not a range/],
    [
      { AUTOMATELINUX_RESERVED_PORTS: "3128,foo" },
      /^error: AUTOMATELINUX_RESERVED_PORTS "foo" is neither a port nor a range/
    ],
    [
      { AUTOMATELINUX_SETTINGS_TABLE: "a; drop" },
      /^error: AUTOMATELINUX_SETTINGS_TABLE "a; drop" is not the name of a table/
    ],
    [{ AUTOMATELINUX_SETTINGS_TABLE: "port_claims" }, /is one of the registry's own tables/],
    [
      { AUTOMATELINUX_HOST: "h".repeat(248) },
      /^error: AUTOMATELINUX_HOST "h{75}…" is 248 characters long: the name of a host has at most 247\n/
    ],
    [{ AUTOMATELINUX_HOST: "box\r" }, /^error: AUTOMATELINUX_HOST "box\\r" is not the name of a host/],
    [
      { AUTOMATELINUX_DATABASE_TIMEOUT: "25 days" },
      /^error: AUTOMATELINUX_DATABASE_TIMEOUT "25 days" is too long to wait for: write at most 24 days\n/
    ],
    [{ AUTOMATELINUX_PROBE_INTERVAL: "52 weeks" }, /^error: AUTOMATELINUX_PROBE_INTERVAL "52 weeks" is too long/],
    [{ AUTOMATELINUX_HOST: "my host" }, /^error: AUTOMATELINUX_HOST "my host" is not the name of a host/],
    [
      { AUTOMATELINUX_DATABASE_URL: "sqlite:here.db" },
      /^error: AUTOMATELINUX_DATABASE_URL "sqlite:here.db" has no absolute path/
    ],
    [
      { AUTOMATELINUX_DATABASE_URL: "postgres://me:secret@db/x" },
      /^error: AUTOMATELINUX_DATABASE_URL "postgres:\/\/…@db\/x" is not a known kind of database/
    ]
  ]

  it.each(cases)("%j", async (env, message) => {
    const run = await inProcess(env).d("listPorts")
    expect([run.code, run.stdout]).toEqual([2, ""])
    expect(run.stderr).toMatch(message)
    expect(run.stderr).not.toContain("secret")
  })

  it.each([
    ["not json", /ports.json is not JSON/],
    ["", /ports.json is empty\nhint: correct it, or move it away to use the defaults\n/],
    ["\\n \\n", /ports.json is empty\n/],
    ['{"appRange":', /ports.json is not JSON, at line 1, column 13: it ends too early\n/],
    ['{"appRange": "3000-3499",\\n "hostName" "x"}', /ports.json is not JSON, at line 2, column 13\n/],
    ['// mine\\n{"appRange": "3000-3499"}', /ports.json is not JSON, at line 1, column 1: JSON has no comments\n/],
    ['{"appRange": "3000-3499"}\\n# mine', /ports.json is not JSON, at line 2, column 1: JSON has no comments\n/],
    ['{"appRange": "3000-3499",}', /ports.json is not JSON, at line 1, column 26: remove the comma before it\n/],
    ['\\xef\\xbb\\xbf{"appRange": "1-2"}', /^error: appRange in .*ports.json "1-2" is not a range/],
    ["[]", /ports.json is not a JSON object/],
    ['{"appRanges": "3000-3499"}', /ports.json has "appRanges", which is not a setting: use databaseUrl/],
    ['{"appRange": true}', /ports.json gives appRange as true: write it as text/],
    ['{"appRange": null}', /ports.json gives appRange as null: write it as text/],
    ['{"databaseUrl": ["mysql://me:secret@h/d"]}', /gives databaseUrl as an object or a list: write it as text/],
    ['{"databaseUrl": "mysql://me:secret@h/d" x}', /ports.json is not JSON/],
    ['{"appRange": "1-2"}', /^error: appRange in .*ports.json "1-2" is not a range/]
  ])("the file %s", async (content, message) => {
    const box = inProcess()
    await box.sh(`mkdir -p .config/automatelinux && printf '%b' '${content}' > .config/automatelinux/ports.json`)
    const run = await box.d("listPorts")
    expect([run.code, run.stdout]).toEqual([2, ""])
    expect(run.stderr).not.toContain("secret")
    expect(run.stderr).toMatch(message)
  })

  it("lets the environment win over the file, and the file over the defaults", async () => {
    const box = inProcess()
    await box.sh(
      `mkdir -p .config/automatelinux && echo '{"appRange": "23700-23799", "specialRange": "23800-23899"}' > .config/automatelinux/ports.json`
    )
    expect(await box.ok("allocate", "--app", "a")).toBe("a-prod 23700\na-dev 23701\n")
    expect(await box.with({ AUTOMATELINUX_APP_RANGE: "23600-23699" }).ok("allocate", "--app", "b")).toContain(
      "b-prod 23600"
    )
    expect(await box.with({ AUTOMATELINUX_APP_RANGE: "" }).ok("allocate", "--app", "c")).toContain("c-prod 23702")
  })
})

it("makes a name of what the system calls this host, whatever that is", async () => {
  const box = inProcess({ AUTOMATELINUX_APP_RANGE: "17600-17649", AUTOMATELINUX_SPECIAL_RANGE: "17650-17699" })
  const user = process.getuid?.() === 0 ? "" : "--map-root-user"
  const run = await box.sh(
    `export -f d; unshare ${user} --uts bash -c 'printf "my b\\303\\266x\\033[31m" > /proc/sys/kernel/hostname; d allocate --app a; d explain --key a-dev --json'`
  )
  expect(JSON.parse(run.stdout.split("\n")[2] ?? "").keys[0].claimed.host, run.stderr).toBe("my-b-x--31m")
})

describe("help", () => {
  it("is an error where nothing was asked, and an answer where it was", async () => {
    const box = inProcess()
    const alone = await box.d()
    expect([alone.code, alone.stdout]).toEqual([2, ""])
    expect(alone.stderr).toContain("Usage:")
    expect(await box.d("--help")).toEqual({ code: 0, stdout: alone.stderr, stderr: "" })
    expect(await box.d("help")).toEqual({ code: 0, stdout: alone.stderr, stderr: "" })
    const { commands } = JSON.parse(await box.ok("help", "--json"))
    expect(commands.map(({ name }: { name: string }) => name)).toEqual(commandList.map(({ name }) => name))
    const get = JSON.parse(await box.ok("help", "get", "--json"))
    expect(get).toMatchObject({
      name: "getPort",
      usage: ["d getPort --key KEY [--allocate | --cached]", expect.anything(), "d get KEY"]
    })
    expect(get.options).toContainEqual({
      name: "--key",
      value: "KEY",
      help: "look up this key",
      required: false,
      repeated: false
    })
    for (const words of [
      ["getPort", "--help", "--json"],
      ["help", "--json", "getPort"]
    ])
      expect(JSON.parse(await box.ok(...words))).toEqual(get)
    const { stdout } = await box.d("getPort", "--help")
    expect(stdout).toContain("d getPort --key KEY")
    for (const words of [
      ["getPort", "--key", "--help"],
      ["getPort", "--help", "--key", "a"],
      ["getPort", "-h"],
      ["--help", "getPort", "--nonsense"].slice(1).concat("--help"),
      ["send", "getPort", "--key", "a", "--help"],
      ["help", "getPort"]
    ]) {
      expect(await box.d(...words)).toEqual({ code: 0, stdout, stderr: "" })
    }
    // Help needs no configuration that works.
    expect((await box.with({ AUTOMATELINUX_APP_RANGE: "x" }).d("--help")).code).toBe(0)
  })

  it("answers the version, and completions that the shells take", async () => {
    const box = inProcess()
    expect(await box.ok("--version")).toBe(await box.ok("version"))
    expect(JSON.parse(await box.ok("version", "--json"))).toEqual({ version: (await box.ok("version")).trim() })
    expect(await box.sh("source <(d --completions bash) && complete -p d")).toMatchObject({ code: 0, stderr: "" })
    for (const shell of ["bash", "zsh", "fish"])
      expect(await box.ok("--completions", shell)).toBe(await box.ok("completions", shell))
  })
})
