import { appProblem, keyProblem } from "../domain/names.ts"
import { quote } from "../text/escape.ts"
import { PortsError } from "./PortsError.ts"

export type Mode = "prod" | "dev"

/** What a call tells besides its result. */
export interface Notes {
  /** Receives each note and warning, one line without a line break. By default they are dropped. */
  readonly onNote?: ((line: string) => void) | undefined
}

/** How a call names a key: `key`, or `app`, or neither for the app of a directory. */
export interface Named {
  /** This key, `cad-dev`. Not together with `app` and `mode`. */
  readonly key?: string | undefined
  /** This app, instead of the one of the directory. */
  readonly app?: string | undefined
  /** The app's prod or dev port; default `dev`. */
  readonly mode?: Mode | undefined
  /**
   * The directory whose app is meant; default the current one. Its project counts: the nearest directory upwards that has a
   * package.json or another manifest.
   */
  readonly directory?: string | undefined
}

export interface PortOptions extends Named, Notes {
  /**
   * Claim a port if there is none, and make the directory its owner. By default that is done for the app of the directory,
   * and not if `key` or `app` is given, which is probably another directory's.
   */
  readonly claim?: boolean | undefined
  /**
   * The port, or a function that returns it, for machines without a registry: no daemon answers, and no database is
   * configured or has been made, or it cannot be used. Nothing is created then. It hides no other error: a key that has no
   * port in a registry is `not-set`, and a wrong call is `invalid`.
   */
  readonly fallback?: number | ((error: PortsError) => number | Promise<number>) | undefined
}

export interface UrlOptions extends PortOptions {
  /** Added to the URL, with a slash before it if it has none. */
  readonly path?: string | undefined
  /** Begin the URL with https://. */
  readonly https?: boolean | undefined
}

/** Options of a synchronous call, whose fallback is a number or returns one. */
export type Sync<O extends PortOptions> = Omit<O, "fallback"> & {
  readonly fallback?: number | ((error: PortsError) => number) | undefined
}

export interface CheckOptions extends Named, Notes {
  /** How long to wait until something listens, in milliseconds; default 0. */
  readonly wait?: number | undefined
}

/** The options of a call whose first argument is a key. */
export type WithoutName<O extends Named> = Omit<O, "key" | "app" | "mode">

export const invalid = (message: string, hint: string): PortsError => new PortsError({ code: "invalid", message, hint })

const MODES: ReadonlyArray<unknown> = ["prod", "dev"]

/** Returns the wrong name of a call, and what is wrong with it. */
const wrongName = ({ app, key, mode }: Named): readonly [name: string, value: unknown, problem: string] | undefined => {
  if (key !== undefined && app !== undefined) return ["app", app, "does not go with key: give key, or app and mode"]
  if (key !== undefined && mode !== undefined) return ["mode", mode, "does not go with key: give key, or app and mode"]
  if (mode !== undefined && !MODES.includes(mode)) return ["mode", mode, "is not a mode: write prod or dev"]
  const [name, value, problemOf] =
    key === undefined ? (["app", app, appProblem] as const) : (["key", key, keyProblem] as const)
  if (value === undefined) return undefined
  const problem = typeof value === "string" ? problemOf(value) : "is not text"
  return problem === undefined ? undefined : [name, value, problem]
}

/** Refuses a wrong name before anything is asked, so that no fallback hides it. */
export const checkName = (named: Named): void => {
  const wrong = wrongName(named)
  if (wrong === undefined) return
  const [name, value, problem] = wrong
  throw invalid(`${name} ${quote(value)} ${problem}`, "docs/library.md shows how a key is named")
}

/** The options of all calls. TypeScript knows which go with which; a misspelled one would change what is meant. */
const OPTIONS: ReadonlyArray<string> = [
  "key",
  "app",
  "mode",
  "directory",
  "claim",
  "fallback",
  "path",
  "https",
  "wait",
  "onNote"
] satisfies ReadonlyArray<keyof UrlOptions | keyof CheckOptions>

/** Returns the options of a call: `(key, options)` or `(options)`. */
export const optionsOf = <O extends object, R extends object>(
  first: string | O | undefined,
  rest: R | undefined
): O | (R & { readonly key: string }) | { readonly key?: undefined } => {
  const options = typeof first === "string" ? Object.assign({}, rest, { key: first }) : (first ?? {})
  if (typeof options !== "object") throw invalid(`${quote(options)} is not a key`, 'write port("cad-dev")')
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined) throw invalid(`there is no option ${quote(unknown)}`, "docs/library.md lists the options")
  return options
}
