import * as Schema from "effect/Schema"
import { appProblem, keyProblem, specialProblem } from "./names.ts"

/** Makes a schema of strings that reports the problem that a rule finds. The decoder puts the value before it. */
export const ruled = (problem: (text: string) => string | undefined) =>
  Schema.String.annotations({ message: () => "is not text" }).pipe(Schema.filter(problem))

/** The name a port is registered under. */
export const PortKey = ruled(keyProblem).pipe(Schema.brand("PortKey"))
export type PortKey = typeof PortKey.Type

/** The owner of a pair. */
export const AppName = ruled(appProblem).pipe(Schema.brand("AppName"))
export type AppName = typeof AppName.Type

/** A key outside the app scheme. */
export const SpecialKey = ruled(specialProblem).pipe(Schema.brand("SpecialKey"))
export type SpecialKey = typeof SpecialKey.Type

/** Returns the key of one half of an app's pair. */
export const keyOf = (app: AppName, mode: "prod" | "dev"): PortKey => PortKey.make(`${app}-${mode}`)
