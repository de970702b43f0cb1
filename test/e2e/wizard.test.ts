import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { machine } from "../support/cli.ts"
import { openTerminal, type Session } from "../support/terminal.ts"

const ENV = { AUTOMATELINUX_APP_RANGE: "32600-32649", AUTOMATELINUX_SPECIAL_RANGE: "32650-32699" }

const UP = "\x1b[A"
const DOWN = "\x1b[B"
const ENTER = "\r"

/** A terminal of a size in the home of a machine, and the registry as text. */
const opened = async (columns = 120) => {
  const box = machine(ENV)
  const terminal = await openTerminal(box, box.home, "bash")
  await terminal.enter(`stty rows 40 columns ${columns}`)
  return { ...terminal, box }
}

/** Waits for a question, and answers it with these keys. */
const answers = async ({ sees, type }: Session, question: RegExp, keys: string) => {
  await sees(question)
  type(keys)
}

/** Waits for the line that the wizard prints. */
const lineIn = async ({ sees }: Session) => (await sees(/\n(d [^\n]*)\n[^\n]*Run it now\?/))[1] ?? ""

describe("d --wizard", () => {
  it("leads through allocate, and runs the line that it shows", async () => {
    const session = await opened()
    const { box, codeOf, enter, sees, type } = session
    await enter("d --wizard; echo code=$?")
    await answers(session, /Which command\?[\s\S]*allocate +Claim[\s\S]*claim +Print/, ENTER)
    await answers(session, /Which of these\?[\s\S]*--app APP: allocate[\s\S]*--special KEY/, ENTER)
    await answers(session, /--app APP: allocate the pair/, `cad-dev${ENTER}`)
    // It is told at once, and the text can be corrected.
    await sees(/app "cad-dev" ends in -dev, which belongs to its keys/)
    type(`${"\x7f".repeat(4)}${ENTER}`)
    await answers(session, /another one, or Enter\)/, `loom${ENTER}`)
    await answers(session, /another one, or Enter\)[^\n]*loom[\s\S]*another one, or Enter\)/, ENTER)
    await answers(session, /--description TEXT: [^\n]*Enter leaves it out/, `It's "CAD" $HOME${ENTER}`)
    await answers(session, /--dir PATH: [^\n]*Enter leaves it out/, `~/src dir${ENTER}`)
    // Who gives a directory is not asked for none.
    await answers(session, /--dry-run: show what/, "n")
    const line = await lineIn(session)
    expect(line).toBe(
      `d allocate --app cad --app loom --description 'It'\\''s "CAD" $HOME' --dir '${join(box.home, "src dir")}'`
    )
    type("y")
    await sees(/cad-prod[^\n]*32600[\s\S]*loom-dev[^\n]*32603/)
    expect(await sees(/code=(\d+)/)).toMatchObject({ 1: "0" })
    const registry = JSON.parse(await box.ok("listPorts", "--json"))
    expect(registry).toHaveLength(4)
    expect(registry[0]).toMatchObject({ key: "cad-prod", port: 32_600, description: `It's "CAD" $HOME` })
    // The line does the same in a shell.
    const other = machine(ENV)
    await other.sh(line)
    const state = async (each: typeof box) =>
      JSON.parse(await each.ok("listPorts", "--json")).map(({ key, port, description }: Record<string, unknown>) => ({
        key,
        port,
        description
      }))
    expect(await state(other)).toEqual(await state(box))
    expect(await codeOf("")).toBe(0)
  })

  it("offers the keys that exist for setPort, checks the port, and runs nothing unless it is told to", async () => {
    const session = await opened()
    const { box, enter, sees, type } = session
    await box.ok("allocate", "--app", "cad", "--special", "proxy")
    await enter("d setPort --wizard; echo code=$?")
    await answers(session, /Which form\?[\s\S]*--value PORT[\s\S]*d setPort --key KEY \[/, ENTER)
    await answers(
      session,
      /--key KEY[\s\S]*cad-prod[\s\S]*cad-dev[\s\S]*proxy[\s\S]*\(another one\)/,
      `${DOWN}${ENTER}`
    )
    await answers(session, /--value PORT/, `70000${ENTER}`)
    await sees(/value "70000" is not a port: write a whole number from 1 to 65535/)
    type(`${"\x7f".repeat(5)}32611${ENTER}`)
    await answers(session, /--description TEXT/, ENTER)
    await answers(session, /--dir PATH/, ENTER)
    await answers(session, /--force: /, "y")
    expect(await lineIn(session)).toBe("d setPort --key cad-dev --value 32611 --force")
    type(ENTER)
    expect(await sees(/code=(\d+)/)).toMatchObject({ 1: "0" })
    expect(await box.ok("getPort", "--key", "cad-dev")).toBe("32601\n")
  })

  it("has several chosen, a word of a few, a time, and the command that runs", async () => {
    const session = await opened()
    const { box, enter, type } = session
    await box.ok("allocate", "--app", "cad", "--app", "loom")
    await enter("d release --wizard")
    await answers(session, /Which of these\?/, ENTER)
    // One at least: Enter alone asks again.
    await answers(session, /--app APP[\s\S]*☐ cad[\s\S]*☐ loom/, ENTER)
    await answers(session, /--app APP[\s\S]*--app APP[\s\S]*☐ loom/, `${UP} ${ENTER}`)
    await answers(session, /--force/, "n")
    expect(await lineIn(session)).toBe("d release --app loom")
    type("y")
    await enter("d run --wizard")
    await answers(session, /Which form\?/, ENTER)
    await answers(session, /--app APP[\s\S]*leave it out[\s\S]*cad/, `${DOWN}${ENTER}`)
    await answers(session, /--mode MODE[\s\S]*leave it out[\s\S]*prod[\s\S]*dev/, `${DOWN}${DOWN}${ENTER}`)
    await answers(session, /--env NAME=WHAT/, ENTER)
    await answers(session, /--host ADDRESS/, ENTER)
    await answers(session, /--no-inject/, "n")
    await answers(session, /--takeover/, "n")
    // A timeout goes with --wait alone.
    await answers(session, /--wait/, "n")
    await answers(session, /COMMAND, as you would type it/, `sh -c 'echo "is $PORT"; read x; echo "got $x"'${ENTER}`)
    expect(await lineIn(session)).toBe(`d run --app cad --mode dev -- sh -c 'echo "is $PORT"; read x; echo "got $x"'`)
    type("y")
    // What is typed is the command's.
    await answers(session, /is 32601/, "words\n")
    await session.sees(/got words/)
    await enter("d check --wizard")
    await answers(session, /Which form\?/, ENTER)
    await answers(session, /--app APP: /, ENTER)
    await answers(session, /--mode MODE: /, ENTER)
    await answers(session, /--dir PATH: /, ENTER)
    await answers(session, /--wait TIME: /, `soon${ENTER}`)
    await answers(session, /wait "soon" is not a time/, "\x7f".repeat(4) + ENTER)
    expect(await lineIn(session)).toBe("d check")
    type("\x03")
    await session.sees(/note: nothing was run/)
  })

  it.each([
    ["Ctrl-C", "\x03"],
    ["Escape", "\x1b"]
  ])("is left with %s at any question, and nothing happens", async (_, key) => {
    const session = await opened(60)
    const { box, enter, sees, type } = session
    for (const [command, question] of [
      ["d --wizard", /Which command\?[\s\S]*allocate/],
      ["d unreserve --wizard", /--port PORTS/],
      ["d redo --wizard", /--dry-run/],
      ["d release --wizard", /Which of these/],
      ["d ping --wizard", /d ping\n[^\n]*Run it now/]
    ] as const) {
      await enter(`${command}; echo code=$?`)
      await sees(question)
      type(key)
      await sees(/note: nothing was run/)
      expect(await sees(/code=(\d+)/)).toMatchObject({ 1: "130" })
    }
    expect(JSON.parse(await box.ok("history", "--json")).operations).toEqual([])
  })

  it("asks nothing of a terminal that cannot be drawn on, nor of a pipe", async () => {
    const { enter, sees } = await opened()
    for (const line of [
      "TERM=dumb d --wizard",
      "CI=true d --wizard",
      "d --wizard </dev/null",
      "set -o pipefail; d getPort --wizard | cat"
    ]) {
      await enter(`${line}; echo code=$?`)
      await sees(/error: --wizard asks questions, and needs a terminal for them\nhint: d help lists the commands/)
      expect(await sees(/code=(\d+)/)).toMatchObject({ 1: "2" })
    }
  })
})
