import type { Incoming } from "../../domain/Exchange.ts"
import { parsePort } from "../../domain/names.ts"
import { type Content, isObject, linesOfJson, parseJson, type Source, textIn, Unreadable } from "../Source.ts"

const pairsIn = (source: Source): ReadonlyArray<readonly [key: string, value: string]> | undefined => {
  const value = parseJson(source)
  if (!Array.isArray(value)) return undefined
  const pairs = value.map((each: unknown) => {
    const key = isObject(each) ? textIn(each, "key") : undefined
    return isObject(each) && key !== undefined && "value" in each
      ? ([key, Buffer.from(textIn(each, "value") ?? "", "base64").toString()] as const)
      : undefined
  })
  return pairs.every((pair) => pair !== undefined) ? pairs : undefined
}

/** Whether `consul kv export` wrote it. */
export const isConsul = (source: Source): boolean => (pairsIn(source)?.length ?? 0) > 0

/** Returns the folders that all keys are in. */
const commonFolders = (keys: ReadonlyArray<string>): number => {
  const folders = keys.map((key) => key.split("/").slice(0, -1))
  const [first = []] = folders
  const differs = first.findIndex((folder, at) => folders.some((each) => each[at] !== folder))
  return differs === -1 ? first.length : differs
}

/** Reads the values that are ports, below the folders that all of them are in. */
export const readConsul = (source: Source): Content => {
  const pairs = pairsIn(source)
  if (pairs === undefined) throw new Unreadable("is not a list of keys and values, as consul kv export writes it")
  const lineAt = linesOfJson(source)
  const isPort = ([, value]: readonly [string, string]) => parsePort(value.trim()) !== undefined
  const folders = commonFolders(pairs.filter(isPort).map(([key]) => key))
  const assignments = pairs.flatMap((pair, index): ReadonlyArray<Incoming> => {
    if (!isPort(pair)) return []
    const [key, value] = pair
    return [{ key: key.split("/").slice(folders).join("-"), port: value.trim(), line: lineAt([index]) }]
  })
  const others = pairs.length - assignments.length
  const doubts = others === 0 ? [] : [`left out ${others} of ${pairs.length} values, which are not ports`]
  return { assignments, doubts }
}
