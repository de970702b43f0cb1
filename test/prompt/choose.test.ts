import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, expect, it } from "vitest"
import { bundle, quietLogger } from "../../src/build/bundle.mjs"
import { machine } from "../support/cli.ts"
import { temporary } from "../support/root.ts"
import { openTerminal } from "../support/terminal.ts"

/** A program that asks, and says what was answered. */
let program: string
let directory: string

beforeAll(async () => {
  directory = temporary()
  writeFileSync(join(directory, "choose.cjs"), (await bundle("src/prompt/choose.ts", [quietLogger])).text)
  program = join(directory, "ask.cjs")
  writeFileSync(
    program,
    `const { askText, chooseOne, chooseSome, confirm } = require("./choose.cjs")
const [what, ...titles] = process.argv.slice(2)
const choices = titles.map((title) => ({ title, description: "about " + title, selected: true }))
const problem = (text) => text === "red" ? undefined : "it is " + text + ", not red" + "!".repeat(99)
const ask = {
  choose: () => chooseSome("Which of these?", choices),
  one: () => chooseOne("Which one?", choices.map((each) => ({ ...each, selected: false }))),
  text: () => askText(titles[0], problem),
  confirm: () => confirm(titles[0])
}
ask[what]().then((answer) => console.log("answer=" + JSON.stringify(answer ?? null) + "."))`
  )
})

const opened = async (columns = 80) => {
  const terminal = await openTerminal(machine(), directory, "bash")
  await terminal.enter(`stty rows 12 columns ${columns}`)
  const start = (...words: ReadonlyArray<string>) =>
    terminal.enter(`${process.execPath} ${program} ${words.map((word) => `'${word}'`).join(" ")}`)
  const answer = async () => JSON.parse((await terminal.sees(/answer=(.*)\.\n/))[1] ?? "")
  return { ...terminal, start, answer }
}

it("has everything chosen that is proposed, and takes what is left of it", async () => {
  const { answer, sees, start, type } = await opened()
  await start("choose", "red", "green", "blue")
  await sees(/Which of these\?[\s\S]*☒ red[\s\S]*☒ green[\s\S]*☒ blue/)
  // Below the two lines for all and for the inverse.
  type("jjj ")
  await sees(/☒ red[\s\S]*☐ green - about green[\s\S]*☒ blue/)
  type("\r")
  expect(await answer()).toEqual([0, 2])
})

it("chooses none at a key press", async () => {
  const { answer, sees, start, type } = await opened()
  await start("choose", "red", "green")
  await sees(/☒ green/)
  type(" ")
  await sees(/☐ green/)
  type("\r")
  expect(await answer()).toEqual([])
})

it.each([
  ["Ctrl-C", "\x03"],
  ["Ctrl-D", "\x04"],
  ["Escape", "\x1b"]
])("is left with %s, and leaves the terminal as it was", async (_, key) => {
  const { answer, codeOf, sees, start, type } = await opened()
  for (const [shown, ...words] of [
    [/☒ green/, "choose", "red", "green"],
    [/green/, "one", "red", "green"],
    [/Colour/, "text", "Colour"],
    [/Really\?/, "confirm", "Really?"]
  ] as const) {
    await start(...words)
    await sees(shown)
    type(key)
    expect(await answer()).toBe(null)
    expect(await codeOf("stty -a | grep -q ' icanon'")).toBe(0)
  }
})

it.each([
  ["y", true],
  ["n", false],
  ["\r", false]
])("takes %j as %j", async (key, expected) => {
  const { answer, sees, start, type } = await opened()
  await start("confirm", "Really?")
  await sees(/Really\? › \(y\/N\)/)
  type(key)
  expect(await answer()).toBe(expected)
})

it("keeps each choice on one line, and as many as there is room for on the screen", async () => {
  const { answer, sees, start, type } = await opened(40)
  const long = (name: string) => `${name}-${"x".repeat(300)}`
  await start("choose", ...Array.from({ length: 30 }, (_, at) => long(String(at))))
  const [shown] = await sees(/Which of these\?[\s\S]*☒ 6-x*…/)
  const lines = shown.split("\n")
  expect(lines).toHaveLength(10)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(40)
  type("k")
  await sees(/☒ 29-x*…/)
  type(" \r")
  expect(await answer()).toHaveLength(29)
})

it("has one of several chosen", async () => {
  const { answer, sees, start, type } = await opened()
  await start("one", "red", "green", "blue")
  await sees(/Which one\?[\s\S]*red - about red[\s\S]*blue/)
  type("\x1b[B")
  await sees(/green - about green/)
  type("\r")
  expect(await answer()).toBe(1)
})

it("asks again until an answer is right, and keeps what was typed", async () => {
  const { answer, sees, start, type } = await opened(40)
  await start("text", `Colour ${"of the sky ".repeat(9)}`)
  await sees(/Colour of the sky of th…/)
  type("reddish\r")
  const [told] = await sees(/it is reddish, not red!+…/)
  expect(told.length).toBeLessThanOrEqual(38)
  type(`${"\x7f".repeat(4)}\r`)
  expect(await answer()).toBe("red")
})
