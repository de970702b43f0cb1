import { type Exported, type ExportedAssignment, FORMAT, FORMAT_VERSION } from "../domain/Exchange.ts"
import { readable } from "../domain/Ignored.ts"
import { pinOf } from "../domain/Image.ts"
import { keyProblem } from "../domain/names.ts"
import { LEARNED } from "../domain/Owner.ts"
import { holdersByPort, type RegistryState } from "../domain/RegistryState.ts"
import type { OwnerRow } from "../store/takingBack.ts"

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0)

/** Compares by the first of `by` that differs. Null comes last. */
const inOrder =
  <A>(...by: ReadonlyArray<(each: A) => string | number | null>) =>
  (a: A, b: A): number => {
    for (const of of by) {
      const [one, other] = [of(a), of(b)]
      if (one === other) continue
      return one === null ? 1 : other === null ? -1 : compare(one, other)
    }
    return 0
  }

/** Returns everything that a registry holds, in a fixed order. */
export const exportOf = (state: RegistryState, owners: ReadonlyArray<OwnerRow>): Exported => {
  const holders = holdersByPort(state.ports)
  const assignments = [...state.rows].map(([key, stored]): ExportedAssignment => {
    const port = state.ports.get(key) ?? null
    const claim = port === null ? undefined : state.claims.get(port)
    const record = state.keys.get(key)
    return {
      key,
      port,
      description: record?.description ?? null,
      shared: port !== null && (holders.get(port)?.length ?? 0) > 1,
      stored: port !== null && keyProblem(key) === undefined ? null : stored,
      claimed: claim?.key === key ? { at: claim.claimedAt, host: claim.host, by: claim.by } : null,
      created: record === undefined ? null : { at: record.createdAt, host: record.host, by: record.by },
      pinned: pinOf(state, key)
    }
  })
  return {
    format: FORMAT,
    version: FORMAT_VERSION,
    assignments: assignments.sort(
      inOrder(
        ({ port }) => port,
        ({ key }) => key
      )
    ),
    owners: owners
      .filter(({ key }) => state.rows.has(key))
      .map(({ host, key, owner: { kind, name, seen, since } }) => {
        const said = !kind.startsWith(LEARNED)
        return { key, host, kind: said ? kind : kind.slice(LEARNED.length), name, said, since, seen }
      })
      .sort(
        inOrder(
          ({ key }) => key,
          ({ host }) => host
        )
      ),
    reservations: [...state.reserved]
      .map(([port, { at, by, host, reason }]) => ({ port, reason, at, host, by }))
      .sort(inOrder(({ port }) => port)),
    ignored: readable(state.ignored)
      .map(({ at, by, check, host, key, port, reason }) => ({ check, key, port, reason, at, host, by }))
      .sort(
        inOrder(
          ({ check }) => check,
          ({ key }) => key,
          ({ port }) => port
        )
      )
  }
}
