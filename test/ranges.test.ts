import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"

/** The ranges of ports that the files of tests name for themselves. Two that run at the same time would see each other's. */
const named = readdirSync("test", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts"))
  .flatMap((file) => {
    const text = readFileSync(join("test", file), "utf8")
    const ranges = [...text.matchAll(/"(\d{5})-(\d{5})"/g)].map(([, first, last]) => [Number(first), Number(last)])
    const from = [...text.matchAll(/rangesFrom\(([\d_]+)\)/g)].map(([, digits = ""]) => {
      const first = Number(digits.replace("_", ""))
      return [first, first + 199]
    })
    return [...ranges, ...from].map(([first = 0, last = 0]) => ({ file, first, last }))
  })

it("no two files use the same ports", () => {
  expect(named.length).toBeGreaterThan(30)
  const shared = named.flatMap((one) =>
    named
      .filter((other) => one.file < other.file && one.first <= other.last && other.first <= one.last)
      .map((other) => `${one.file} ${one.first}-${one.last} and ${other.file} ${other.first}-${other.last}`)
  )
  expect(shared).toEqual([])
})

it("none uses the ports that are handed out to processes", () => {
  for (const { file, first } of named) expect(first, file).toBeGreaterThanOrEqual(17_000)
})
