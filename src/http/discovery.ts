import type { Assignment } from "../domain/Assignment.ts"

/** Returns the ports as Prometheus's http_sd has targets, which it scrapes after its `relabel_configs`. */
export const targetsOf = (assignments: ReadonlyArray<Assignment>) =>
  assignments.map(({ app, health, host, key, kind, port }) => ({
    targets: [`localhost:${port}`],
    labels: {
      __meta_d_key: key,
      __meta_d_app: app ?? "",
      __meta_d_mode: kind,
      __meta_d_host: host ?? "",
      __meta_d_health: health.state
    }
  }))
