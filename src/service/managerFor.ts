import { launchd } from "./launchd.ts"
import type { Manager, ManagerMeans } from "./Manager.ts"
import { systemd } from "./systemd.ts"

/** Returns what keeps services on this machine. Fails if nothing does. */
export const managerFor = (means: ManagerMeans): Manager =>
  means.platform === "darwin" ? launchd(means) : systemd(means)
