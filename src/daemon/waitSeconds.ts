import type { PortsConfig } from "../config/Config.ts"

/** Returns how long a change may take: waiting for the database lock, resolving a lost COMMIT, and a few seconds. */
export const waitSeconds = ({ stalled, total }: (typeof PortsConfig.Service)["databaseTimeout"]): number =>
  Math.ceil((total + stalled) / 1000) + 10
