import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { domainProblem } from "../../src/domain/Proxy.ts"
import { labelled } from "../../src/proxy/names.ts"

/** Which key gets which name. */

const labelsOf = (...keys: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  Object.fromEntries(labelled(keys).map(({ key, label }) => [key, label]))

const only = (key: string): string | undefined => labelsOf(key)[key]

describe("a label", () => {
  it.each([
    ["cad-dev", "cad"],
    ["cad-prod", "cad-prod"],
    ["stream-server", "stream-server"],
    ["cad.fix-ui-dev", "cad-fix-ui"],
    ["cad.fix-ui-prod", "cad-fix-ui-prod"],
    ["My_App-dev", "my-app"],
    ["a..b__c--d", "a-b-c-d"],
    ["xn--80ak6aa92e-dev", "xn-80ak6aa92e"],
    ["api_", "api"],
    ["3001", "3001"]
  ])("of %s is %s", (key, label) => {
    expect(only(key)).toBe(label)
  })

  it("of 63 characters is kept, and a longer one is cut, with a hash", () => {
    expect(only(`${"a".repeat(63)}-dev`)).toBe("a".repeat(63))
    expect(only(`${"a".repeat(64)}-dev`)).toMatch(/^a{56}-[0-9a-z]{6}$/)
    expect(only(`${"a".repeat(55)}-${"b".repeat(9)}-dev`)).toMatch(/^a{55}-[0-9a-z]{6}$/)
    expect(only(`${"a".repeat(59)}-prod`)).toMatch(/^a{56}-[0-9a-z]{6}$/)
    expect(only(`${"a".repeat(58)}-prod`)).toBe(`${"a".repeat(58)}-prod`)
    const { [`${"a".repeat(64)}-dev`]: one, [`${"a".repeat(65)}-dev`]: other } = labelsOf(
      `${"a".repeat(64)}-dev`,
      `${"a".repeat(65)}-dev`
    )
    expect(one).not.toBe(other)
  })
})

describe("keys that would have the same label", () => {
  it.each([
    ["cad-dev", "cad"],
    ["cad-fix-ui-dev", "cad.fix-ui-dev"],
    ["cad-prod-dev", "cad-prod"],
    ["api-dev", "API-dev"],
    ["api", "API-dev"]
  ])("%s is the one that has it, and %s gets a hash", (first, second) => {
    const label = only(first) ?? ""
    const both = labelsOf(first, second)
    expect(both).toEqual({ [first]: label, [second]: expect.stringMatching(new RegExp(`^${label}-[0-9a-z]{6}$`)) })
    expect(labelsOf(second, first)).toEqual(both)
  })

  it("get others if a hash is taken as well", () => {
    const taken = labelsOf("cad-dev", "cad")["cad"] ?? ""
    const all = labelsOf("cad-dev", "cad", taken)
    expect(all[taken]).toBe(taken)
    expect(all["cad"]).toMatch(/^cad-[0-9a-z]{6}$/)
    expect(all["cad"]).not.toBe(taken)
  })

  it("say so", () => {
    expect(labelled(["cad", "cad-dev"]).map(({ instead, key }) => [key, instead])).toEqual([
      ["cad-dev", undefined],
      ["cad", "cad"]
    ])
  })
})

const key = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/)
const near = fc.constantFrom(
  "a",
  "A",
  "a-dev",
  "A-dev",
  "a.",
  "a_",
  "a-prod",
  "a-prod-dev",
  "a.b-dev",
  "a-b-dev",
  "a_b"
)

it("each key has a label of its own that a host name may have, in whatever order they come", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(key, near)), (keys) => {
      const found = labelled(keys)
      expect(found.map((each) => each.key).sort()).toEqual([...keys].sort())
      expect(new Set(found.map(({ label }) => label)).size).toBe(keys.length)
      for (const { label } of found) {
        expect(label).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/)
        expect(label).not.toMatch(/^..--/)
        expect(label.length).toBeLessThanOrEqual(63)
      }
      expect(labelled([...keys].reverse())).toEqual(found)
    })
  )
})

it("a key that is spelled like its label keeps it, whatever comes", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(key, near)), (keys) => {
      expect(labelsOf("a-dev", ...keys)["a-dev"]).toBe("a")
    })
  )
})

describe("a domain", () => {
  it.each(["localhost", "test", "dev.example.com", "a-b.test", "LOCALHOST", `${"a".repeat(63)}.test`])(
    "may be %s",
    (domain) => {
      expect(domainProblem(domain)).toBeUndefined()
    }
  )

  it.each([
    "",
    ".",
    "a.",
    ".a",
    "a b",
    "a;b",
    "a{",
    "-a",
    "a-",
    "*.test",
    "a_b",
    "ä",
    "127.0.0.1",
    "a\nb",
    "a`",
    "a.1",
    `${"a".repeat(64)}.x`,
    "a.".repeat(96).slice(0, -1)
  ])("is not %j", (domain) => {
    expect(domainProblem(domain)).toBeDefined()
  })
})
