import { join, resolve } from "node:path"
import { expect, it } from "vitest"
import { machine } from "../support/cli.ts"
import { projectWith, runIn } from "../support/library.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "20520-20549", AUTOMATELINUX_SPECIAL_RANGE: "20550-20559" }

const PROGRAM = `
import { Effect } from "effect"
import { Registry } from "automatelinux-ports/effect"

const program = Effect.gen(function* () {
  const registry = yield* Registry
  const own: number = yield* registry.port()
  const missing = yield* registry.get("api-dev").pipe(Effect.catchTag("NotSet", ({ hint }) => Effect.succeed(hint)))
  const refused = yield* registry.set("pt-dev", own).pipe(Effect.flip)
  const listed = yield* registry.list({ app: "cad" })
  return [own, missing, refused._tag, refused.message, listed.length]
})

Effect.runPromise(Effect.provide(program, Registry.layer)).then((result) => console.log(JSON.stringify(result)))
`

const PRINTED = [
  20_521,
  "d listPorts lists what is set, d claim --key api-dev claims a port",
  "Conflict",
  "20521 belongs to cad-dev; pt-dev was not set",
  2
]

it.each([
  ["import", "program.mts", PROGRAM],
  ["require", "program.cts", PROGRAM]
])("a program with Effect has the registry as a service, with %s", async (_, file, text) => {
  const compilerOptions = {
    module: "nodenext",
    target: "es2023",
    lib: ["es2023", "dom"],
    types: [],
    strict: true,
    skipLibCheck: true
  }
  const root = projectWith("cad", {
    [file]: text,
    "tsconfig.json": JSON.stringify({ compilerOptions, include: ["*"] })
  })
  const box = machine(RANGES)
  const tsc = resolve("node_modules/typescript/bin/tsc")
  expect(await runIn(box, root, process.execPath, tsc, "-p", ".")).toEqual({ code: 0, stdout: "", stderr: "" })
  const run = await runIn(box, root, process.execPath, join(root, file.replace("ts", "js")))
  expect(run.stderr).toBe("")
  expect(JSON.parse(run.stdout)).toEqual(PRINTED)
})
