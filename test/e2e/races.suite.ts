import { describe, expect, it } from "vitest"
import { machine } from "../support/cli.ts"
import type { TestDatabase } from "../support/databases.ts"
import { at, rangesEnv } from "../support/ports.ts"

/** On a busy machine one of many may wait for longer than by default. */
const PATIENT = { AUTOMATELINUX_DATABASE_TIMEOUT: "60 seconds" }
const MANY = 20
/** test/faults has more of the kind. */
const ROUNDS = 2

/** Processes that start together on a database that nobody has used. */
export const racesSuite = (database: TestDatabase) =>
  describe(`races on ${database.name}`, () => {
    it(`gives ${MANY} processes the ${MANY} lowest pairs, and one app one pair, ${ROUNDS} times over`, async () => {
      const wanted = Array.from({ length: MANY }, (_, index) => at(3000) + 2 * index)
      for (let round = 0; round < ROUNDS; round++) {
        const box = machine({ ...rangesEnv, ...PATIENT, ...(await database.fresh()) })
        const apps = await Promise.all(wanted.map((_, index) => box.d("allocate", "--app", `app${index}`)))
        expect(apps.map((run) => [run.code, run.stderr])).toEqual(apps.map(() => [0, ""]))
        const given = apps.map(({ stdout }, index) => {
          const match = new RegExp(`^app${index}-prod (\\d+)\\napp${index}-dev (\\d+)\\n$`).exec(stdout)
          expect(Number(match?.[2])).toBe(Number(match?.[1]) + 1)
          return Number(match?.[1])
        })
        expect(given.sort((a, b) => a - b)).toEqual(wanted)

        const one = await Promise.all(wanted.map(() => box.d("allocate", "--app", "one")))
        const pair = `one-prod ${at(3000) + 2 * MANY}\none-dev ${at(3001) + 2 * MANY}\n`
        expect(one).toEqual(one.map(() => ({ code: 0, stdout: pair, stderr: "" })))
      }
    }, 600_000)
  })
