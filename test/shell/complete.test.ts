import { describe, expect, it } from "vitest"
import type { OptionSpec } from "../../src/commands/CommandSpec.ts"
import { commandList, shortNameOf } from "../../src/commands/commands.ts"
import type { SHELLS } from "../../src/commands/shell.ts"
import { wordsOf } from "../../src/commands/valueWords.ts"
import { complete } from "../../src/shell/complete.ts"
import { completionText } from "../../src/shell/completionText.ts"
import { type Known, NOTHING_KNOWN } from "../../src/shell/known.ts"
import { shellWord } from "../../src/text/shell.ts"

const known: Known = {
  keys: [
    { key: "cad-prod", port: 3000, description: "CAD app", state: "down", host: "desk" },
    { key: "cad-dev", port: 3001, description: "CAD app", state: "up", host: "desk" },
    { key: "redis", port: 3500, description: null, state: undefined, host: undefined },
    { key: "evil", port: 3501, description: "a\tb\n\u001b[2J", state: "unknown", host: "lap\u202etop" }
  ],
  reserved: [{ port: 3128, reason: "Squid" }],
  operations: [
    {
      number: 12,
      what: "allocate",
      changes: [
        { what: "allocate", key: "cad-prod", oldPort: null, newPort: 3000, detail: null },
        { what: "allocate", key: "cad-dev", oldPort: null, newPort: 3001, detail: null }
      ]
    },
    {
      number: 9,
      what: "describe",
      changes: [{ what: "describe", key: "redis", oldPort: null, newPort: null, detail: "\u001b[2J" }]
    }
  ]
}

/** The answer to a shell: the kind of values, and the values. */
const told = (...words: ReadonlyArray<string>) => {
  const [head = "", ...lines] = completionText("fish", complete("fish", words), known).split("\n")
  return { belongs: head.replace("d-complete ", ""), values: lines.map((line) => line.split("\t")[0] ?? "") }
}

const LIVE: Readonly<Partial<Record<NonNullable<OptionSpec["type"]>, ReadonlyArray<string>>>> = {
  app: ["cad"],
  host: ["desk", "lap\\u202etop"],
  key: ["cad-dev", "cad-prod", "evil", "redis"],
  name: ["cad", "cad-dev", "cad-prod", "evil", "redis"],
  port: ["3000", "3001", "3500", "3501"],
  special: ["evil", "redis"]
}

const expectedFor = ({ isNew, isOperation, isReserved, type = "text" }: OptionSpec) => {
  if (type === "file") return { belongs: "files", values: [] }
  if (type === "directory") return { belongs: "directories", values: [] }
  const live = isOperation ? ["12", "9"] : isReserved ? ["3128"] : isNew ? [] : (LIVE[type] ?? [])
  return { belongs: "words", values: wordsOf(type) ?? live }
}

describe.each(commandList)("$name", (command) => {
  const { name, options, operand } = command

  it.each(options.filter(({ value }) => value !== undefined))("completes the values of --$name", (option) => {
    const first = operand?.type === "choice" ? [operand.choices[0] ?? ""] : []
    const expected = expectedFor(option)
    for (const each of new Set([name, shortNameOf(command)])) {
      expect(told(each, ...first, `--${option.name}`, "")).toEqual(expected)
      expect(told("send", each, ...first, `--${option.name}`, "")).toEqual(expected)
    }
    const inline = told(name, `--${option.name}=`)
    expect(inline.belongs).toBe(`${expected.belongs} inline`)
    expect(inline.values).toEqual(expected.values.map((value) => `--${option.name}=${value}`))
    // bash splits at the sign.
    const split = completionText("bash", complete("bash", [name, `--${option.name}`, "=", ""]), known)
      .split("\n")
      .slice(1)
    // bash inserts a word as it is: what it would act on is not offered.
    expect(split).toEqual(expected.values.filter((value) => shellWord(value) === value))
  })

  it("completes its options, those that are given no more", () => {
    const names = options.map((each) => `--${each.name}`)
    expect(told(name, "--").values).toEqual([...names, "--wizard", "--help"])
    for (const { name: given, repeated, value } of options) {
      const left = told(name, `--${given}`, ...(value === undefined ? [] : ["x"]), "--").values
      expect(left.includes(`--${given}`)).toBe(repeated === true)
    }
  })

  it("offers no files but where a file belongs", () => {
    const { belongs } = told(name, "")
    expect(belongs).toBe(operand?.type === "file" ? "files" : "words")
  })
})

it("completes the words of the short forms by what is left", () => {
  expect(told("get", "").values).toEqual(LIVE.key)
  expect(told("get", "cad-dev", "").values).toContain("--cached")
  expect(told("set", "cad-dev", "")).toEqual({ belongs: "words", values: [] })
  expect(told("explain", "").values).toEqual([...(LIVE.port ?? []), ...(LIVE.key ?? [])])
  expect(told("rename", "").values).toEqual(LIVE.name)
  expect(told("rename", "cad", "")).toEqual({ belongs: "words", values: [] })
  expect(told("release", "cad", "").values).toEqual(["cad"])
  expect(told("unreserve", "").values).toEqual(["3128"])
  expect(told("history", "").values).toEqual(["12", "9", ...(LIVE.key ?? [])])
  expect(told("undo", "").values).toEqual(["12", "9"])
  expect(told("proxy", "").values).toEqual(["render", "diff", "apply"])
  expect(told("proxy", "apply", "--for", "").values).toEqual(["caddy", "nginx", "traefik", "haproxy", "hosts"])
  expect(told("proxy", "apply", "--file", "").belongs).toBe("files")
  expect(told("agents", "").values).toEqual(["install", "uninstall", "status"])
  expect(told("agents", "install", "").values).toContain("--for")
})

it("completes commands, and the command of help", () => {
  const names = commandList.flatMap((command) => [...new Set([command.name, shortNameOf(command)])])
  expect(told("").values).toEqual(names)
  expect(told("help", "").values).toEqual(names)
  expect(told("-").values).toContain("--version")
  expect(told("help", "getPort", "").values).toEqual([])
  expect(told("frobnicate", "")).toEqual({ belongs: "words", values: [] })
})

it("leaves the words of another command to it, and says how many they are", () => {
  expect(told("run", "np").belongs).toBe("command 1")
  expect(told("run", "--key", "cad-dev", "npm", "run", "").belongs).toBe("command 3")
  expect(told("run", "--", "npm", "").belongs).toBe("command 2")
  expect(told("run", "--wait", "--", "").belongs).toBe("command 1")
  const split = ["run", "--key", "=", "cad-dev", "npx", "vite", "--port", "=", "1"]
  expect(completionText("bash", complete("bash", split), known)).toBe("d-complete command 5")
})

it("offers bash nothing that it would act on", () => {
  const words = [
    "zed;touch x;",
    "$(id)",
    "`id`",
    "a b",
    "*",
    "~root",
    "=ls",
    "a'b",
    'a"b',
    "a\\b",
    "a|b",
    "a&b",
    "a>b",
    "a\nb"
  ]
  const [first] = known.keys
  const hostile = words.map((key) => ({ ...first, key, port: 1, description: null, state: undefined, host: key }))
  for (const typed of [
    ["get", ""],
    ["listPorts", "--host", ""]
  ])
    expect(completionText("bash", complete("bash", typed), { ...NOTHING_KNOWN, keys: hostile })).toBe(
      "d-complete words"
    )
})

it("writes what each shell shows", () => {
  const text = (shell: (typeof SHELLS)[number], typed: string) =>
    completionText(shell, complete(shell, ["getPort", "--key", typed]), known)
      .split("\n")
      .slice(1)
  expect(text("bash", "cad-")).toEqual(["cad-dev", "cad-prod"])
  expect(text("zsh", "cad-")).toEqual([
    "cad-dev\tcad-dev   -- 3001  CAD app, up",
    "cad-prod\tcad-prod  -- 3000  CAD app, down",
    "evil\tevil      -- 3501  a\\u0009b\\u000a\\u001b[2J",
    "redis\tredis     -- 3500"
  ])
  expect(text("fish", "")[0]).toBe("cad-dev\t3001  CAD app, up")
  expect(
    completionText("fish", complete("fish", ["undo", ""]), known)
      .split("\n")
      .slice(1)
  ).toEqual(["12\tallocate  cad-prod: none → 3000, and 1 more", "9\tdescribe  redis: \\u001b[2J"])
})
