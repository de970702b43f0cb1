import fc from "fast-check"
import { expect, it } from "vitest"
import { shellWord } from "../../src/text/shell.ts"
import { shellWords } from "../../src/wizard/shellWords.ts"

it.each([
  ["", []],
  ["  npm  run dev ", ["npm", "run", "dev"]],
  [`sh -c 'echo "$PORT"'`, ["sh", "-c", 'echo "$PORT"']],
  [`a'b c'"d e"f ''`, ["ab cd ef", ""]],
  ["a'b", undefined],
  ['a "b', undefined]
])("splits %j", (line, words) => {
  expect(shellWords(line)).toEqual(words)
})

it("splits what was put together", () => {
  const plain = fc.string().filter((word) => !/['\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(word))
  fc.assert(
    fc.property(fc.array(plain), (words) => {
      expect(shellWords(words.map(shellWord).join(" "))).toEqual(words.map((word) => word))
    })
  )
})
