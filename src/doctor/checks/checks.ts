import type { CheckName } from "../../domain/Finding.ts"
import type { Check } from "../DoctorContext.ts"
import { claimDrift } from "./claimDrift.ts"
import { daemonProbing } from "./daemonProbing.ts"
import { daemonRunning } from "./daemonRunning.ts"
import { hostShared } from "./hostShared.ts"
import { pairBroken } from "./pairBroken.ts"
import { portHung } from "./portHung.ts"
import { portShared } from "./portShared.ts"
import { portSquatted } from "./portSquatted.ts"
import { portStale } from "./portStale.ts"
import { portTaken } from "./portTaken.ts"
import { portUnreachable } from "./portUnreachable.ts"
import { rangeEphemeral } from "./rangeEphemeral.ts"
import { rangeFull } from "./rangeFull.ts"
import { rangeMisplaced } from "./rangeMisplaced.ts"
import { rangeReserved } from "./rangeReserved.ts"
import { secretReadable } from "./secretReadable.ts"
import { serviceBroken } from "./serviceBroken.ts"
import { storeDurable } from "./storeDurable.ts"
import { storeReachable } from "./storeReachable.ts"
import { storeSchema } from "./storeSchema.ts"
import { valueInvalid } from "./valueInvalid.ts"

/** Every check by its name. */
export const checks: Readonly<Record<CheckName, Check>> = {
  "store-reachable": storeReachable,
  "store-schema": storeSchema,
  "store-durable": storeDurable,
  "secret-readable": secretReadable,
  "daemon-running": daemonRunning,
  "daemon-probing": daemonProbing,
  "service-broken": serviceBroken,
  "host-shared": hostShared,
  "port-shared": portShared,
  "port-taken": portTaken,
  "port-hung": portHung,
  "value-invalid": valueInvalid,
  "port-unreachable": portUnreachable,
  "port-stale": portStale,
  "pair-broken": pairBroken,
  "claim-drift": claimDrift,
  "range-reserved": rangeReserved,
  "range-full": rangeFull,
  "port-squatted": portSquatted,
  "range-misplaced": rangeMisplaced,
  "range-ephemeral": rangeEphemeral
}
