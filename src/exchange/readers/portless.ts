import type { Incoming } from "../../domain/Exchange.ts"
import { type Content, isObject, linesOfJson, parseJson, portOf, type Source, textIn, Unreadable } from "../Source.ts"

/** Whether it is the routes.json of portless. */
export const isPortless = (source: Source): boolean => {
  const value = parseJson(source)
  return Array.isArray(value) && value.some((each) => isObject(each) && "hostname" in each && "port" in each)
}

/** Reads the routes of portless. It chooses a new port at every start; a route that is no process is fixed. */
export const readPortless = (source: Source): Content => {
  const value = parseJson(source)
  if (!Array.isArray(value)) throw new Unreadable("is not a list: is it the routes.json of portless?")
  const lineAt = linesOfJson(source)
  const assignments = value.flatMap((route: unknown, index): ReadonlyArray<Incoming> => {
    if (!isObject(route)) return []
    const name = (textIn(route, "hostname") ?? "").replace(/\.(localhost|test|local)$/, "")
    const isFixed = route["pid"] === 0
    return [{ key: isFixed ? name : `${name}-dev`, port: portOf(route["port"]), line: lineAt([index]) }]
  })
  const isRunning = value.some((each: unknown) => isObject(each) && each["pid"] !== 0)
  return {
    assignments,
    doubts: isRunning ? ["portless chooses another port at every start: these are the ones of now"] : []
  }
}
