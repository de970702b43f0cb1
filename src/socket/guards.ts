import { PORT_MAX } from "../domain/names.ts"

/**
 * Guards of unknown values. They are written by hand, because loading a library would slow down every command; the compiler
 * checks them against the types that they guard.
 */

export type Guard<A> = (value: unknown) => value is A

export const text: Guard<string> = (value): value is string => typeof value === "string"
export const amount: Guard<number> = (value): value is number => Number.isFinite(value)
export const flag: Guard<boolean> = (value): value is boolean => typeof value === "boolean"
export const isTrue: Guard<true> = (value): value is true => value === true
export const pid: Guard<number> = (value): value is number => Number.isSafeInteger(value) && Number(value) > 0
export const port: Guard<number> = (value): value is number => pid(value) && value <= PORT_MAX

export const orNull =
  <A>(guard: Guard<A>): Guard<A | null> =>
  (value): value is A | null =>
    value === null || guard(value)

export const listOf =
  <A>(guard: Guard<A>): Guard<ReadonlyArray<A>> =>
  (value): value is ReadonlyArray<A> =>
    Array.isArray(value) && value.every(guard)

export const oneOf =
  <A extends string>(all: ReadonlyArray<A>): Guard<A> =>
  (value): value is A =>
    all.some((each) => each === value)

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** An object with at least these fields. */
export const object =
  <A extends object>(fields: { readonly [K in keyof A]-?: Guard<A[K]> }): Guard<A> =>
  (value): value is A =>
    isObject(value) && Object.entries<Guard<unknown>>(fields).every(([name, guard]) => guard(value[name]))

export const version: Guard<string> = (value): value is string => text(value) && /^[\w.+-]{1,64}$/.test(value)

/** What an older daemon does not know of is absent. */
export const orAbsent =
  <A>(guard: Guard<A>): Guard<A | undefined> =>
  (value): value is A | undefined =>
    value === undefined || guard(value)
