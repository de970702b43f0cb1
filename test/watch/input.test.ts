import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { makeInput } from "../../src/watch/input.ts"
import type { Key } from "../../src/watch/State.ts"

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }))
afterEach(() => void vi.useRealTimers())

const taken = async (...chunks: ReadonlyArray<string>): Promise<ReadonlyArray<Key>> => {
  const keys: Array<Key> = []
  const input = makeInput((key) => keys.push(key))
  for (const chunk of chunks) input.take(Buffer.from(chunk))
  await new Promise((done) => setImmediate(done))
  vi.runAllTimers()
  input.end()
  return keys
}

const namesOf = async (...chunks: ReadonlyArray<string>) =>
  (await taken(...chunks)).map(({ ctrl, name, text }) => `${ctrl ? "ctrl-" : ""}${text === "" ? name : text}`)

it("reads letters, whatever their language", async () => {
  expect(await namesOf("qG/?", "ü猫 ")).toEqual(["q", "G", "/", "?", "ü", "猫", " "])
})

it("reads the keys without a letter, in the forms that terminals send", async () => {
  expect(await namesOf("\x1b[A", "\x1bOB", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[4~", "\r", "\x7f")).toEqual([
    "up",
    "down",
    "pageup",
    "pagedown",
    "home",
    "end",
    "return",
    "backspace"
  ])
  expect(await namesOf("\x03\x1a\x0c")).toEqual(["ctrl-c", "ctrl-z", "ctrl-l"])
})

it("tells Escape from the beginning of another key, even if that arrives in two pieces", async () => {
  expect(await namesOf("\x1b")).toEqual(["escape"])
  expect(await namesOf("\x1b", "[A")).toEqual(["up"])
})

it("types nothing for what is no character", async () => {
  expect((await taken("\x1b[200~", "\x00", "\x1bx")).map(({ text }) => text)).toEqual(["", "", ""])
})
