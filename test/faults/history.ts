/** What a client asks for, as it goes over the wire. */
export type Ask =
  | {
      readonly command: "allocate" | "release"
      readonly app: ReadonlyArray<string>
      readonly special: ReadonlyArray<string>
    }
  | { readonly command: "setPort"; readonly key: string; readonly value: number; readonly force: boolean }
  | { readonly command: "deletePort" | "getPort"; readonly key: string }
  | { readonly command: "rename"; readonly key: string; readonly to: string }
  | { readonly command: "rename"; readonly app: string; readonly to: string }
  /** The last operation on a key, to take it back. */
  | { readonly command: "history"; readonly key: string; readonly limit: 1 }
  /** `touches` are the keys that the operation is about; it goes nowhere. */
  | { readonly command: "undo"; readonly number: number; readonly touches: ReadonlyArray<string> }

export interface Assigned {
  readonly key: string
  readonly port: number
  /** Whether the key had it not before, by the answer. */
  readonly created: boolean
}

export type Outcome =
  | {
      readonly _tag: "Ok"
      readonly assigned: ReadonlyArray<Assigned>
      readonly released: ReadonlyArray<string>
      /** The operation that was asked for. */
      readonly last?: { readonly number: number; readonly keys: ReadonlyArray<string> }
      /** What an undo was by the history: `undo`, or `redo` if it took back one; and of which keys. */
      readonly tookBack?: { readonly what: string; readonly keys: ReadonlyArray<string> }
    }
  /** It was certainly not done. */
  | { readonly _tag: "Refused"; readonly code: string }
  /** The reply was lost, or said so itself. */
  | { readonly _tag: "Unknown" }

export interface Attempt {
  /** Its number. */
  readonly client: number
  readonly ask: Ask
  /** By one monotonic clock, in milliseconds. */
  readonly began: number
  readonly ended: number
  readonly outcome: Outcome
}

/** What the database holds when everything is over. */
export interface Tables {
  readonly ports: ReadonlyMap<string, number>
  /** `undefined` where the allocator on trial keeps none. */
  readonly claims: ReadonlyMap<number, string> | undefined
  /** What was done, by `port_history`. */
  readonly done: ReadonlyArray<{ readonly what: string; readonly key: string }> | undefined
}

/** What an attempt did, or may have done, to one key. */
export interface Effect {
  readonly key: string
  /** `null` where it has none afterwards, `any` where the reply that would tell is lost. */
  readonly port: number | null | "any"
  readonly from: number
  /** What is unknown may happen at any time: a server that was stopped goes on with what it was told. */
  readonly until: number
  readonly sure: boolean
}

/** A stretch of time in which a key certainly had a port. */
export interface Hold {
  readonly key: string
  readonly port: number
  readonly since: number
  readonly until: number
  readonly by: Effect
}

export const halvesOf = (app: string): ReadonlyArray<string> => [`${app}-prod`, `${app}-dev`]

/** The keys that a rename takes away, and those that it may make. */
export const renamingOf = (ask: Ask & { readonly command: "rename" }) =>
  "app" in ask ? { from: halvesOf(ask.app), to: halvesOf(ask.to) } : { from: [ask.key], to: [ask.to] }

export const keysOf = (ask: Ask): ReadonlyArray<string> => {
  switch (ask.command) {
    case "allocate":
    case "release":
      return [...ask.app.flatMap(halvesOf), ...ask.special]
    case "rename": {
      const { from, to } = renamingOf(ask)
      return [...from, ...to]
    }
    case "undo":
      return ask.touches
    default:
      return [ask.key]
  }
}

/** Whether an attempt changes nothing. */
export const isQuestion = ({ command }: Ask): boolean => command === "getPort" || command === "history"

export const effectsOf = ({ ask, began, ended, outcome }: Attempt): ReadonlyArray<Effect> => {
  if (outcome._tag === "Refused" || isQuestion(ask)) return []
  const sure = outcome._tag === "Ok"
  const effect = (key: string, port: Effect["port"]): Effect => ({
    key,
    port,
    from: began,
    until: sure ? ended : Number.POSITIVE_INFINITY,
    sure
  })
  const given = sure ? outcome.assigned.map(({ key, port }) => effect(key, port)) : undefined
  switch (ask.command) {
    case "allocate":
      return given ?? keysOf(ask).map((key) => effect(key, "any"))
    case "setPort":
      return [effect(ask.key, ask.value)]
    case "rename": {
      const { from, to } = renamingOf(ask)
      return [...from.map((key) => effect(key, null)), ...(given ?? to.map((key) => effect(key, "any")))]
    }
    case "release":
      return (sure ? outcome.released : keysOf(ask)).map((key) => effect(key, null))
    case "deletePort":
      return [effect(ask.key, null)]
    case "undo":
      return given === undefined
        ? ask.touches.flatMap((key) => [effect(key, null), effect(key, "any")])
        : [...given, ...(sure ? outcome.released : []).map((key) => effect(key, null))]
    default:
      return []
  }
}

export const groupBy = <A, K>(all: ReadonlyArray<A>, by: (each: A) => K): Map<K, Array<A>> => {
  const groups = new Map<K, Array<A>>()
  for (const each of all) {
    const group = groups.get(by(each))
    if (group === undefined) groups.set(by(each), [each])
    else group.push(each)
  }
  return groups
}

/** From the end of an acknowledged change to the beginning of the next attempt that may have undone it. */
export const holdsOf = (effects: ReadonlyArray<Effect>): ReadonlyArray<Hold> =>
  [...groupBy(effects, (effect) => effect.key).values()].flatMap((ofKey) =>
    ofKey.flatMap((by): ReadonlyArray<Hold> => {
      const { key, port, until: since } = by
      if (!by.sure || typeof port !== "number") return []
      const undoing = ofKey.filter((other) => other !== by && other.port !== port && other.until > by.from)
      const until = Math.min(Number.POSITIVE_INFINITY, ...undoing.map((other) => other.from))
      return until > since ? [{ key, port, since, until, by }] : []
    })
  )
