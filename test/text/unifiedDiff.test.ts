import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as fc from "fast-check"
import { beforeAll, expect, it } from "vitest"
import { unifiedDiff } from "../../src/text/unifiedDiff.ts"
import { ensure } from "../support/programs.ts"
import { once, temporary } from "../support/root.ts"

/** Debian's patch takes what d writes. */

beforeAll(() => once("installation of patch", () => ensure(["patch"], ["patch"])))

/** Returns what patch makes of `old` by the difference to `now`. */
const patched = (old: string | undefined, now: string): string => {
  const file = join(temporary(), "file")
  if (old !== undefined) writeFileSync(file, old)
  const diff = unifiedDiff(file, old, now)
  if (diff === "") return existsSync(file) ? readFileSync(file, "utf8") : ""
  const { status, stdout } = spawnSync("patch", ["--fuzz=0", file], { input: diff, encoding: "utf8" })
  expect({ status, stdout }).toEqual({ status: 0, stdout: `patching file ${file}\n` })
  return readFileSync(file, "utf8")
}

it("is nothing if nothing differs", () => {
  expect(unifiedDiff("f", "a\nb\n", "a\nb\n")).toBe("")
  expect(unifiedDiff("f", undefined, "")).toBe("")
})

it("shows three lines around a change, and joins changes that are close", () => {
  const old = Array.from({ length: 20 }, (_, at) => `${at + 1}\n`)
  const now = old.toSpliced(4, 1, "five\n").toSpliced(9, 1).toSpliced(18, 0, "more\n")
  expect(unifiedDiff("f", old.join(""), now.join(""))).toBe(
    "--- f\n+++ f\n@@ -2,12 +2,11 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9\n-10\n 11\n 12\n 13\n@@ -17,4 +16,5 @@\n 17\n 18\n 19\n+more\n 20\n"
  )
})

it("is what patch makes a new file of, and a file with and without a line break at its end", () => {
  expect(patched(undefined, "a\nb\n")).toBe("a\nb\n")
  expect(patched("", "a\n")).toBe("a\n")
  for (const old of ["a\nb", "a\nb\n", "b\n", "x"])
    for (const now of ["a\nb", "a\nb\n", "b", "a\nc"]) expect(patched(old, now)).toBe(now)
})

it("is what patch makes any text of", () => {
  const text = fc.array(fc.constantFrom("a\n", "b\n", "c\r\n", "\n", "d"), { maxLength: 30 }).map((all) => all.join(""))
  fc.assert(
    fc.property(text, text, (old, now) => {
      // patch removes a file that would be empty.
      fc.pre(now !== "")
      expect(patched(old, now)).toBe(now)
    }),
    { numRuns: 60 }
  )
})

it("is what patch makes a text of that differs in most lines", () => {
  const lines = (word: string) => Array.from({ length: 1500 }, (_, at) => `${word} ${at}\n`).join("")
  expect(patched(lines("old"), lines("new"))).toBe(lines("new"))
  expect(patched(`${lines("old")}end`, `${lines("new")}end`)).toBe(`${lines("new")}end`)
  expect(patched(undefined, lines("new"))).toBe(lines("new"))
})

it("is found in large texts, whether little or everything differs", () => {
  const lines = Array.from({ length: 200_000 }, (_, at) => `0.0.0.0 ad${at}.example.com\n`)
  const few = lines.toSpliced(199_990, 2, "127.0.0.1 cad.test\n").join("")
  const other = lines.map((line) => `#${line}`).join("")
  const old = lines.join("")
  expect(unifiedDiff("f", old, few).split("\n")).toHaveLength(13)
  expect(unifiedDiff("f", old, other).length).toBe(
    old.length + other.length + 400_000 + "--- f\n+++ f\n@@ -1,200000 +1,200000 @@\n".length
  )
})
