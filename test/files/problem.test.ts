import { join } from "node:path"
import { expect, it } from "vitest"
import { cannot } from "../../src/files/problem.ts"
import { systemError } from "../../src/machine/systemError.ts"
import { temporary } from "../support/root.ts"

it("has the part of the path listed that is there", () => {
  const there = temporary()
  const error = cannot("write", join(there, "not", "there"), systemError("EACCES"))
  expect(error).toMatchObject({ error: { hint: `ls -ld ${there}` } })
})
