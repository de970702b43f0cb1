import { expect, it } from "vitest"
import type { CliContext } from "../../src/cli/CliContext.ts"
import { exitWith, tell } from "../../src/cli/output.ts"
import { plain } from "../../src/text/terminalStyle.ts"

/** What `use` writes to standard error that has this width, and its exit code. */
const written = async (width: number | undefined, use: (context: CliContext) => Promise<void>) => {
  const run = { stderr: "", code: 0 }
  await use({
    environment: {},
    directory: () => "/",
    isInteractive: () => false,
    canAsk: () => false,
    style: () => plain,
    errorWidth: () => width,
    helpWidth: () => 100,
    writeStdout: () => {},
    writeStderr: (text) => {
      run.stderr += text
    },
    setExitCode: (code) => {
      run.code = code
    }
  })
  return run
}

const failure = {
  code: "conflict",
  message: "3001 belongs to cad-dev; pt-dev was not set",
  hint: "choose another port, or d deletePort --key cad-dev, or repeat with --force to share it"
} as const

it("wraps an error and its hint on a terminal, each on its own", async () => {
  expect(await written(40, (context) => exitWith(context, failure, false))).toEqual({
    code: 1,
    stderr: [
      "error: 3001 belongs to cad-dev; pt-dev",
      "  was not set",
      "hint: choose another port, or",
      "  d deletePort --key cad-dev, or repeat",
      "  with --force to share it",
      ""
    ].join("\n")
  })
})

it("leaves them whole in a pipe, and as a document", async () => {
  const { hint, message } = failure
  expect((await written(undefined, (context) => exitWith(context, failure, false))).stderr).toBe(
    `error: ${message}\nhint: ${hint}\n`
  )
  expect(await written(40, (context) => exitWith(context, failure, true))).toEqual({
    code: 1,
    stderr: `${JSON.stringify({ error: failure })}\n`
  })
})

it("tells local times on a terminal, and the written ones in a pipe", async () => {
  const time = new Date(Date.now() - 7200_000).toISOString()
  const note = `note: it was stored at ${time}, so`
  expect((await written(undefined, (context) => tell(context, note))).stderr).toBe(`${note}\n`)
  expect((await written(100, (context) => tell(context, note))).stderr).toMatch(
    /^note: it was stored at (\d{4}-\d\d-\d\d )?\d\d:\d\d \(2 h ago\), so\n$/
  )
})

it("escapes what others have written before it is measured and wrapped", async () => {
  const { stderr } = await written(30, (context) => tell(context, `note: ${"\u001b[2J ".repeat(8)}`, "note: a\nb"))
  expect(stderr).toMatch(/^[ -~\n]*$/)
  expect(stderr.split("\n").every((line) => line.length <= 30)).toBe(true)
  expect(stderr).toContain("\nnote: a\\u000ab\n")
})
