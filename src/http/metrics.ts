import { version } from "../../package.json"
import type { Assignment } from "../domain/Assignment.ts"
import { HEALTH_STATES } from "../domain/Health.ts"
import { exposition, type Family, type Sample } from "./exposition.ts"
import { Histogram } from "./Histogram.ts"
import type { Snapshot } from "./Snapshot.ts"
import { slotSamples } from "./slots.ts"

const KINDS = ["prod", "dev", "special"] as const

/** What a request was and came to. `command` is one of the table of commands, or "other". */
export interface Observed {
  readonly command: string
  readonly via: "http" | "socket"
  readonly seconds: number
  readonly ok: boolean
}

const gauge = (name: string, help: string, samples: ReadonlyArray<Sample>): Family => ({
  name,
  help,
  samples,
  type: "gauge"
})

const one = (value: number | undefined): ReadonlyArray<Sample> => (value === undefined ? [] : [{ value }])

const byKindAndState = (assignments: ReadonlyArray<Assignment>): ReadonlyArray<Sample> =>
  KINDS.flatMap((kind) =>
    HEALTH_STATES.map((state) => ({
      labels: { kind, state },
      value: assignments.filter((each) => each.kind === kind && each.health.state === state).length
    }))
  )

const isUp = ({ app, health, key, kind }: Assignment): Sample => ({
  labels: { key, app: app ?? "", kind },
  value: health.state === "up" ? 1 : 0
})

/** What is known of the registry at one moment. Without its database, that it is away. */
const ofRegistry = (snapshot: Snapshot): ReadonlyArray<Family> => {
  const { isTickFailing, lastTick, registry } = snapshot
  return [
    gauge("d_database_up", "Whether the database answers.", one(registry === undefined ? 0 : 1)),
    gauge(
      "d_database_latency_seconds",
      "How long the database took to answer.",
      one(registry && registry.latencyMs / 1000)
    ),
    gauge("d_ports", "Assigned ports by kind and health.", registry ? byKindAndState(registry.assignments) : []),
    gauge("d_port_up", "Whether something listens on the port of a key.", (registry?.assignments ?? []).map(isUp)),
    gauge(
      "d_slots",
      "Slots of the ranges by what they are: pairs for apps, ports for specials.",
      slotSamples(snapshot)
    ),
    gauge(
      "d_last_tick_timestamp_seconds",
      "When the last probe cycle ended.",
      one(lastTick === undefined ? undefined : Date.parse(lastTick) / 1000)
    ),
    gauge("d_tick_failing", "Whether the last probe cycle failed.", one(isTickFailing ? 1 : 0))
  ]
}

/** The process, by the names that Prometheus's own clients use. */
const ofProcess = (): ReadonlyArray<Family> => {
  const { system, user } = process.cpuUsage()
  const started = Math.round(performance.timeOrigin / 1000)
  return [
    gauge("d_build_info", "The versions of d and Node.", [{ labels: { version, node: process.version }, value: 1 }]),
    gauge("process_start_time_seconds", "When the daemon was started.", one(started)),
    gauge("process_resident_memory_bytes", "Resident memory.", one(process.memoryUsage.rss())),
    {
      name: "process_cpu_seconds_total",
      type: "counter",
      help: "Processor time.",
      samples: one((user + system) / 1e6)
    }
  ]
}

/** Counts what the daemon does, and writes it with what it knows. */
export const makeMetrics = () => {
  const ticks = new Histogram()
  const requests = new Map<string, { readonly labels: Record<string, string>; failed: number; durations: Histogram }>()

  const counted = ({ command, via }: Observed) => {
    const name = `${via} ${command}`
    const known = requests.get(name) ?? { labels: { command, via }, failed: 0, durations: new Histogram() }
    requests.set(name, known)
    return known
  }

  return {
    request: (observed: Observed): void => {
      const known = counted(observed)
      known.durations.observe(observed.seconds)
      if (!observed.ok) known.failed++
    },
    tick: (seconds: number): void => ticks.observe(seconds),
    text: (snapshot: Snapshot): string => {
      const all = [...requests.values()]
      return exposition([
        ...ofRegistry(snapshot),
        {
          name: "d_tick_duration_seconds",
          type: "histogram",
          help: "How long probe cycles took.",
          samples: ticks.samples()
        },
        {
          name: "d_request_duration_seconds",
          type: "histogram",
          help: "How long requests took, by command and by how they came.",
          samples: all.flatMap(({ durations, labels }) => durations.samples(labels))
        },
        {
          name: "d_requests_failed_total",
          type: "counter",
          help: "Requests that were answered with an error.",
          samples: all.map(({ failed, labels }) => ({ labels, value: failed }))
        },
        ...ofProcess()
      ])
    }
  }
}

export type Metrics = ReturnType<typeof makeMetrics>
