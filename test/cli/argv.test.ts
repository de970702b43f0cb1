import { describe, expect, it } from "vitest"
import { parseArgv } from "../../src/cli/argv.ts"
import { commandList } from "../../src/commands/commands.ts"

describe("the short form", () => {
  const same: ReadonlyArray<readonly [short: string, long: string]> = [
    ["get cad-dev", "getPort --key cad-dev"],
    ["getPort cad-dev --json", "getPort --key cad-dev --json"],
    ["send get cad-dev", "send getPort --key cad-dev"],
    ["set cad-dev 3001", "setPort --key cad-dev --value 3001"],
    ["set cad-dev --description x", "setPort --key cad-dev --description x"],
    ["set --key cad-dev 3001 --force", "setPort --key cad-dev --value 3001 --force"],
    ["ls", "listPorts"],
    ["ls --app cad --json", "listPorts --app cad --json"],
    ["rm cad-dev", "deletePort --key cad-dev"],
    ["allocate cad shop --special s", "allocate --app cad --app shop --special s"],
    ["allocate cad --app shop --dry-run", "allocate --app cad --app shop --dry-run"],
    ["allocate --app cad --dry-run shop", "allocate --app cad --dry-run --app shop"],
    ["release cad shop", "release --app cad --app shop"],
    ["rename old new", "rename --name old --to new"],
    ["rename --app old new", "rename --app old --to new"],
    ["rename --key old new", "rename --key old --to new"],
    ["describe cad text", "describe --name cad --description text"],
    ["describe --key cad-dev text", "describe --key cad-dev --description text"],
    ["reserve 3128 --reason Squid", "reserve --port 3128 --reason Squid"],
    ["unreserve 3128", "unreserve --port 3128"],
    ["explain 3001", "explain --port 3001"],
    ["explain cad-dev", "explain --key cad-dev"],
    ["help ls", "help listPorts"],
    ["rm --help", "deletePort --help"]
  ]

  it.each(same)("d %s is d %s", (short, long) => {
    const meant = parseArgv(long.split(" "))
    expect(meant._tag).not.toBe("Wrong")
    expect(parseArgv(short.split(" "))).toEqual(meant)
  })

  it.each([
    ["get a b", 'unexpected argument "b"'],
    ["get a --key b", "--key is given twice"],
    ["get --key b a", 'unexpected argument "a"'],
    ["ls cad", 'unexpected argument "cad"'],
    ["set a 3000 b", 'unexpected argument "b"'],
    ["get", "Missing required arg: key"],
    ["rm", "Missing required arg: key"],
    ["rename a", "Missing required arg: to"],
    ["rename", "Missing required arg: key"],
    ["rename a b c", 'unexpected argument "c"'],
    ["describe a b c", 'unexpected argument "c"'],
    ["get -a", 'unexpected argument "-a"'],
    ["get -- a", 'unexpected argument "--"'],
    ["ls -l", 'unexpected argument "-l"'],
    ["status x", 'unexpected argument "x"'],
    ["allocate --special proxy stream", '"stream" after --special is not clear'],
    ["release --app a b", '"b" after --app is not clear'],
    ["backup a b", 'unexpected argument "b"'],
    ["doctor port-taken", 'unexpected argument "port-taken": values follow an option, as in --check NAME'],
    ["-v", 'unknown option "-v"']
  ])("d %s is told: %s", (line, message) => {
    const said = parseArgv(line.split(" "))
    // What is missing of getPort is found out where both of its forms are known.
    if (said._tag === "Run") expect([line, said.payload]).toEqual(["get", {}])
    else expect(said).toMatchObject({ _tag: "Wrong", message })
  })

  it("has a name that no other command has, and options that its command has", () => {
    const names = commandList.flatMap(({ name, short, synonyms = [] }) => [
      ...new Set([name, ...(short === undefined ? [] : [short.usage.split(" ")[0] ?? ""])]),
      ...synonyms
    ])
    expect(new Set(names).size).toBe(names.length)
    for (const { options, short } of commandList)
      expect(options.map(({ name }) => name)).toEqual(expect.arrayContaining([...(short?.options ?? [])]))
  })

  it.each([
    ["get 3000", "3000 is a port, not a key", "d explain 3000 shows who has it; to use it as a name, --key 3000"],
    ["rm 3000", "3000 is a port, not a key", "d explain 3000 shows who has it; to use it as a name, --key 3000"],
    ["allocate 3000", "3000 is a port, not an app", "d explain 3000 shows who has it; to use it as a name, --app 3000"],
    ["release 99999", "99999 is a number, not an app", "to use it as a name, --app 99999"],
    ["check 3000", "3000 is a port, not a key", "d explain 3000 shows who has it; to use it as a name, --key 3000"],
    ["set 3000 cad-dev", "3000 is a port, not a key", "d set KEY PORT"]
  ])("d %s takes no number for a name", (line, message, hint) => {
    expect(parseArgv(line.split(" "))).toMatchObject({ _tag: "Wrong", code: "invalid", message, hint })
    expect(parseArgv(["getPort", "--key", "3000"])).toMatchObject({ _tag: "Run", payload: { key: "3000" } })
  })

  it.each([
    ["free 3000", "explain 3000"],
    ["who 3000", "explain 3000"],
    ["assign 3000", "setPort"],
    ["getport cad-dev", "getPort"]
  ])("d %s is told of %s", (line, meant) => {
    expect(parseArgv(line.split(" "))).toMatchObject({
      _tag: "Wrong",
      hint: `did you mean d ${meant}? d help lists the commands`
    })
  })

  it("has no help for a command that there is not", () => {
    expect(parseArgv(["nothing", "--help"])).toMatchObject({
      _tag: "Wrong",
      code: "unknown-command",
      message: "Unknown command: nothing",
      hint: "d help lists the commands"
    })
    expect(parseArgv(["send", "list", "-h"])).toMatchObject({
      _tag: "Wrong",
      hint: expect.stringContaining("listPorts")
    })
    for (const line of ["--help", "-h", "send --help", "--json --help", "--version --help"])
      expect(parseArgv(line.split(" "))).toMatchObject({ _tag: "Help", command: undefined, alone: false })
    expect(parseArgv(["get", "--help"])).toMatchObject({ _tag: "Help", command: { name: "getPort" } })
  })

  it.each([
    ["list", "listPorts"],
    ["LIST", "listPorts"],
    ["delete", "deletePort"],
    ["remove", "deletePort"],
    ["new", "allocate"],
    ["who", "explain"],
    ["diagnose", "doctor"],
    ["verify", "check"],
    ["getprot", "getPort"],
    ["cliam", "claim"],
    ["lss", "ls"]
  ])("d %s is told of %s", (word, name) => {
    expect(parseArgv([word])).toMatchObject({
      _tag: "Wrong",
      code: "unknown-command",
      message: `Unknown command: ${word}`,
      hint: `did you mean d ${name}? d help lists the commands`
    })
  })

  it("proposes nothing for a word that is far too long, at once", () => {
    expect(parseArgv(["a".repeat(100_000)])).toMatchObject({ _tag: "Wrong", hint: "d help lists the commands" })
  })
})
