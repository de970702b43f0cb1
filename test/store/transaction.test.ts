import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import { Driver } from "../../src/store/Driver.ts"
import { CommitLost, type FailureKind } from "../../src/store/failures.ts"
import { withRetry } from "../../src/store/retry.ts"
import { transaction } from "../../src/store/transaction.ts"

/** A database on which COMMIT comes to `commit`, and what was said to it besides. */
const on = (
  commit: Effect.Effect<unknown, SqlError>,
  tag: "Contended" | "ConnectionLost" | "Unreachable" | "Rejected" = "Unreachable"
) => {
  const said: Array<string> = []
  const kind: FailureKind = { _tag: tag, reason: "no route any more", hint: "mend it" }
  const connection = {
    executeUnprepared: (text: string) => Effect.sync(() => said.push(text))
  } as unknown as Connection
  const driver = {
    reserve: Effect.succeed(connection),
    begin: () => Effect.succeed({ answers: [], always: [] }),
    commit: () => commit,
    classifyCommitError: () => kind
  } as unknown as typeof Driver.Service
  const run = Effect.provideService(
    transaction(() => Effect.succeed("done")),
    Driver,
    driver
  )
  return { run, said }
}

const broken = Effect.fail(new SqlError({ cause: { code: "EHOSTUNREACH" } }))

// A route that goes away in the middle of a COMMIT cannot be had on one machine.
it.each([
  ["ConnectionLost", CommitLost],
  ["Unreachable", CommitLost],
  ["Contended", SqlError],
  ["Rejected", SqlError]
] as const)("a COMMIT that fails as %s is lost, or is not", async (tag, expected) => {
  const { run, said } = on(broken, tag)
  expect(await Effect.runPromise(Effect.flip(run))).toBeInstanceOf(expected)
  expect(said).toEqual(["ROLLBACK"])
})

it("goes on looking for what became of a COMMIT while there is no connection to be had", async () => {
  let tries = 0
  const { run } = on(Effect.suspend(() => (++tries < 3 ? broken : Effect.void)))
  const patient = withRetry(run as Effect.Effect<string, CommitLost>, { stalled: 10_000, total: 10_000 })
  expect(await Effect.runPromise(patient)).toBe("done")
  expect(tries).toBe(3)
})

it("leaves no transaction open where there is a bug on the way to COMMIT", async () => {
  const { run, said } = on(Effect.die("a bug"))
  await expect(Effect.runPromise(run)).rejects.toThrow("a bug")
  expect(said).toEqual(["ROLLBACK"])
})
