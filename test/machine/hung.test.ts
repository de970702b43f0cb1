import { afterAll, beforeAll, expect, it, vi } from "vitest"

/** File systems that do not answer, as of a server that is away. */

const asked: Array<string> = []
const NAMES = ["a", "b", "c", "d", "e"]

let missing: typeof import("../../src/machine/missing.ts")
let directories: typeof import("../../src/registry/directories.ts")

beforeAll(async () => {
  vi.resetModules()
  vi.doMock("node:fs/promises", async (load) => {
    const actual = await load<typeof import("node:fs/promises")>()
    return {
      ...actual,
      stat: (path: string) => {
        if (!path.startsWith("/hung")) return actual.stat(path)
        asked.push(path)
        return new Promise(() => {})
      }
    }
  })
  missing = await import("../../src/machine/missing.ts")
  directories = await import("../../src/registry/directories.ts")
})

afterAll(() => {
  vi.doUnmock("node:fs/promises")
  vi.resetModules()
})

it("waits for one no longer than a limit", async () => {
  expect(await missing.isThere("/hung/a")).toBe("slow")
})

it("tries no more than two", async () => {
  asked.length = 0
  const there = missing.makeIsThere()
  for (const name of NAMES) expect(await there(`/hung/${name}`)).toBe(false)
  expect(await there("/hung/a")).toBe(false)
  expect(asked).toEqual(["/hung/a", "/hung/b"])
})

it("doubts the directories of keys that are there", async () => {
  const owner = (name: string) => ({
    kind: "directory" as const,
    name: `/hung/${name}`,
    since: "",
    seen: null,
    said: true
  })
  const owners = new Map(NAMES.map((name) => [`${name}-dev`, owner(name)]))
  const found = await directories.lookForDirectories({ owners })
  expect([...found.values()].every(({ _tag }) => _tag !== "There" && _tag !== "Gone")).toBe(true)
})
