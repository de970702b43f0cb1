import { expect, it } from "vitest"
import { describeListener } from "../../src/text/describe.ts"
import { asTyped, escaped, quote } from "../../src/text/escape.ts"
import { printed } from "../../src/text/printed.ts"
import { listenerOf, someProcess } from "../support/listener.ts"

it("shows nothing that a terminal would act upon", () => {
  expect(quote("a\n\u001b[31m\u007f\u009b\u2028")).toBe('"a\\n\\u001b[31m\\u007f\\u009b\\u2028"')
  expect(quote("ä ✓ 🚀")).toBe('"ä ✓ 🚀"')
  expect(escaped("a\n\u001b[31mb")).toBe("a\\u000a\\u001b[31mb")
  expect([asTyped("frobnicate"), asTyped("a\nb"), asTyped('a"b')]).toEqual(["frobnicate", '"a\\nb"', '"a\\"b"'])
})

it("tells of a listener in one plain line, whatever its process calls itself", () => {
  const listener = listenerOf(someProcess({ pid: 7, command: "a\nb\u001b[2J", directory: "/x\n" }))
  expect(printed([describeListener(listener)])).toBe("a\\u000ab\\u001b[2J, pid 7, in /x\\u000a")
})
