import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { expect, it } from "vitest"
import { decodePayload } from "../../src/app/requestSchemas.ts"
import { commandList, fieldOf, isRegistryCommand, type RegistryCommand } from "../../src/commands/commands.ts"
import { CONTROL } from "../support/controlCharacters.ts"

/** Values of every type, most of which are wrong for any field. */
const VALUES = [
  1,
  1.5,
  -1,
  true,
  false,
  "",
  "x\u2028",
  "\u001b[2J",
  [],
  ["\u2028", {}],
  [1],
  [true],
  [[]],
  {},
  { a: 1 }
]

/** What the wire has beside the options of the command line. */
const OTHERS = "asks clientVersion directory document formerly name standing suggested willBind".split(" ")

const NAMES = commandList.map(({ name }) => name).filter((name): name is RegistryCommand => isRegistryCommand(name))

it.each(NAMES)("says in plain words what is wrong with a value of %s, whatever its type", (command) => {
  const options = commandList.find(({ name }) => name === command)?.options ?? []
  const right = { key: "a", app: ["a"], to: "b", value: 3000, port: 3000, check: "port-stale", reason: "x", file: "/x" }
  for (const field of [...options.map(({ name }) => fieldOf(name)), ...OTHERS])
    for (const value of VALUES) {
      const decoded = Effect.runSync(Effect.either(decodePayload(command, { ...right, [field]: value })))
      const problem = Either.isLeft(decoded) && decoded.left._tag === "Invalid" ? decoded.left.problem : ""
      expect(problem, `${field}: ${JSON.stringify(value)}`).not.toMatch(/Expected|actual |is wrong$/)
      expect(problem, `${field}: ${JSON.stringify(value)}`).not.toMatch(CONTROL)
    }
})
