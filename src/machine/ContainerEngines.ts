import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Listener } from "../domain/Listener.ts"
import { makeNaming } from "./naming.ts"

/** The container engines that the environment of this process names, and the usual ones. */
export class ContainerEngines extends Context.Reference<ContainerEngines>()("ContainerEngines", {
  defaultValue: () => makeNaming(process.env)
}) {}

/** How old what engines said may be if many ask for it: a page that is open lists the ports every second. */
export const RECENT_MS = 1000

/** Returns `listeners` with the containers behind them. What engines said may be `maxAgeMs` old. */
export const withContainers = (listeners: ReadonlyArray<Listener>, maxAgeMs?: number) =>
  Effect.flatMap(ContainerEngines, ({ named }) => Effect.promise(() => named(listeners, maxAgeMs)))

/** Returns what engines publish on `ports` without a listener. */
export const publishedOn = (ports: ReadonlySet<number>, maxAgeMs?: number) =>
  Effect.flatMap(ContainerEngines, ({ published }) => Effect.promise(() => published(ports, maxAgeMs)))
