import fc from "fast-check"
import { expect, it } from "vitest"
import { countPorts, formatPorts, parsePortList, portsIn } from "../../src/domain/portList.ts"

const portsOf = (text: string) => {
  const ranges = parsePortList(text)
  return typeof ranges === "string" ? ranges : portsIn(ranges)
}

it.each([
  ["3128", [3128]],
  ["3200-3202", [3200, 3201, 3202]],
  ["3200-3201,3128", [3128, 3200, 3201]],
  ["3128, 3128,3127-3128", [3127, 3128]],
  ["1,65535", [1, 65_535]],
  ["5-5", [5]]
])("reads %s", (text, ports) => {
  expect(portsOf(text)).toEqual(ports)
})

it.each([
  "",
  ",",
  "3128,",
  "0",
  "65536",
  "3000abc",
  "3e3",
  " 3000",
  "3000 ",
  "03000",
  "-3306",
  "1-2-3",
  "1-65536",
  "3000–3010"
])("refuses %j", (text) => {
  expect(portsOf(text)).toMatch(/^is neither a port from 1 to 65535 nor a range: write /)
})

it("says that a range ends before it begins", () => {
  expect(portsOf("3128,3210-3200")).toBe("has a range that ends before it begins: write its lower port first")
})

it("counts without making a list", () => {
  const ranges = parsePortList(Array(9000).fill("1-65535").join())
  expect(typeof ranges === "string" ? ranges : countPorts(ranges)).toBe(9000 * 65_535)
})

it("formats what can be read again", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (some) => {
      const ports = some.sort((a, b) => a - b)
      expect(portsOf(formatPorts(ports))).toEqual(ports)
    })
  )
  expect(formatPorts([3128, 3200, 3201, 3202, 3204])).toBe("3128,3200-3202,3204")
})
