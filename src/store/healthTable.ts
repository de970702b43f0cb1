import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { columnText, columnTextOrNull, columnTime, LIMITS } from "../domain/foreignText.ts"
import { HEALTH_STATES, type HealthState } from "../domain/Health.ts"
import type { HealthChanges, HostHealth, PortHealth, UpElsewhere } from "../domain/portHealth.ts"
import { query } from "./Query.ts"

interface HealthRow {
  readonly port: number
  readonly key: string
  readonly state: HealthState
  readonly since: string
  readonly last_up: string | null
  readonly failures: number
  readonly mark: number
  readonly listener: string | null
}

/** The row of port_registry that says how long a host was watched begins with this, and ends with its name. */
const COUNTER = "watched:"

/** Makes the statements on the health of the ports on `host`. They touch no row of another host. */
export const makeHealthTable = (host: string) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const counter = `${COUNTER}${host}`

    /** The health by port; and how long, until when and from which machine the host was watched. */
    const queries = {
      records: query(
        sql<HealthRow>`
          SELECT port, ${sql("key")}, state, since, last_up, failures, mark, listener FROM port_health WHERE host = ${host}`,
        (rows) =>
          new Map(
            rows.flatMap(({ last_up, mark, ...row }): ReadonlyArray<[number, PortHealth]> => {
              const since = columnTime(row.since)
              // Another program may have written an invalid row: ignore it.
              if (since === null || !HEALTH_STATES.includes(row.state)) return []
              const listener = columnTextOrNull(row.listener, LIMITS.path)
              return [[row.port, { ...row, since, lastUp: columnTime(last_up), lastUpWatchedSeconds: mark, listener }]]
            })
          )
      ),
      clock: query(
        sql<{ value: string }>`SELECT value FROM port_registry WHERE name = ${counter}`,
        ([clock]): Omit<HostHealth, "records"> => {
          const [seconds, at, machine] = columnText(clock?.value).split(" ")
          // A clock that was set back may have left it negative.
          return { watched: Math.max(0, Number(seconds) || 0), probedAt: columnTime(at), machine }
        }
      )
    }

    /** The ports that are up on other hosts, and when each host was last probed. */
    const elsewhere = {
      up: query(
        sql<{ host: string; port: number; key: string }>`
          SELECT host, port, ${sql("key")} FROM port_health WHERE state = 'up' AND host <> ${host}`,
        (rows): ReadonlyArray<UpElsewhere> =>
          rows.map((row) => ({ port: row.port, key: columnText(row.key), host: columnText(row.host) }))
      ),
      probedAt: query(
        sql<{ name: string; value: string }>`SELECT name, value FROM port_registry WHERE name LIKE ${`${COUNTER}%`}`,
        (rows): ReadonlyMap<string, string | null> =>
          new Map(
            rows.map(({ name, value }) => [name.slice(COUNTER.length), columnTime(columnText(value).split(" ")[1])])
          )
      )
    }

    const remove = (ports: ReadonlyArray<number>) =>
      sql`DELETE FROM port_health WHERE host = ${host} AND ${sql.in("port", ports)}`

    const put = (records: ReadonlyArray<PortHealth>) =>
      sql`REPLACE INTO port_health ${sql.insert(records.map(({ lastUp, lastUpWatchedSeconds, ...record }) => ({ ...record, host, last_up: lastUp, mark: lastUpWatchedSeconds })))}`

    const writeClock = ({ at, machine, watched }: NonNullable<HealthChanges["clock"]>) =>
      sql`REPLACE INTO port_registry ${sql.insert({ name: counter, value: `${Math.floor(watched)} ${at} ${machine}` })}`

    return { queries, elsewhere, put, remove, writeClock }
  })

export type HealthTable = Effect.Effect.Success<ReturnType<typeof makeHealthTable>>
