import {
  type Attempt,
  type Effect,
  effectsOf,
  groupBy,
  type Hold,
  holdsOf,
  isQuestion,
  keysOf,
  renamingOf,
  type Tables
} from "./history.ts"

/** What is wrong, a line for each; all of them empty where the promise was kept. */
export interface Verdict {
  readonly operations: number
  readonly ok: number
  readonly refused: number
  readonly unknown: number
  /** One port, two keys, at one time, and nobody forced it. */
  readonly duplicates: ReadonlyArray<string>
  /** Acknowledged, and not there. */
  readonly losses: ReadonlyArray<string>
  /** There, or done, and nobody attempted it; or it was called a failure. */
  readonly inventions: ReadonlyArray<string>
  /** Claims and settings disagree. */
  readonly drift: ReadonlyArray<string>
  /** No whole, even pair in its range. */
  readonly pairs: ReadonlyArray<string>
  /** An app that was given other ports than it had. */
  readonly moved: ReadonlyArray<string>
  /** A question that was not answered with what had been acknowledged before it. */
  readonly stale: ReadonlyArray<string>
  /** Refused for a reason that is none. */
  readonly unclean: ReadonlyArray<string>
}

interface Rules {
  readonly appRange: { readonly first: number; readonly last: number }
  /** The error codes that a client may meet. */
  readonly refusals: ReadonlyArray<string>
}

const at = (key: string, port: unknown) => `${key} at ${port ?? "no port"}`

/** Judges all that was attempted, in any order, by what it left. */
export const judge = (history: ReadonlyArray<Attempt>, tables: Tables, rules: Rules): Verdict => {
  const effects = history.flatMap(effectsOf)
  const byKey = groupBy(effects, (effect) => effect.key)
  const holds = holdsOf(effects)
  const count = (tag: string) => history.filter(({ outcome }) => outcome._tag === tag).length
  return {
    operations: history.length,
    ok: count("Ok"),
    refused: count("Refused"),
    unknown: count("Unknown"),
    duplicates: duplicates(history, holds, effects, tables),
    ...remains(byKey, history, tables),
    drift: drift(tables),
    pairs: pairs(history, tables, rules),
    moved: moved(history, byKey),
    stale: stale(history, holds),
    unclean: history.flatMap(({ ask, outcome }) =>
      outcome._tag === "Refused" && !rules.refusals.includes(outcome.code) ? [`${ask.command}: ${outcome.code}`] : []
    )
  }
}

const duplicates = (
  history: ReadonlyArray<Attempt>,
  holds: ReadonlyArray<Hold>,
  effects: ReadonlyArray<Effect>,
  { ports }: Tables
): ReadonlyArray<string> => {
  const forced = new Set<string>()
  const forcedPorts = new Set<number>()
  for (const { ask } of history) {
    if (ask.command !== "setPort" || !ask.force) continue
    forced.add(at(ask.key, ask.value))
    forcedPorts.add(ask.value)
  }
  const renamed = new Set(history.flatMap(({ ask }) => (ask.command === "rename" ? renamingOf(ask).to : [])))
  /** Whether the key has the port perhaps because somebody wanted it shared; a rename takes that along. */
  const mayShare = (key: string, port: number) =>
    forced.has(at(key, port)) || (renamed.has(key) && forcedPorts.has(port))
  /** Whether the key may have had the port already. */
  const keeps = ({ by, key, port }: Hold) =>
    effects.some((other) => other !== by && other.key === key && other.port === port && other.from < by.from)
  const excused = (a: Hold, b: Hold): boolean => {
    const second = a.by.until <= b.by.from ? b : b.by.until <= a.by.from ? a : undefined
    // Who comes second, to a port that is held, must have used force.
    if (second !== undefined && !keeps(second)) return mayShare(second.key, second.port)
    return mayShare(a.key, a.port) || mayShare(b.key, b.port)
  }
  const found = new Set<string>()
  for (const [port, ofPort] of groupBy(holds, (hold) => hold.port)) {
    for (const [index, a] of ofPort.entries()) {
      for (const b of ofPort.slice(index + 1)) {
        const together = Math.max(a.since, b.since) < Math.min(a.until, b.until)
        if (a.key !== b.key && together && !excused(a, b)) found.add(`${port} for ${[a.key, b.key].sort().join(", ")}`)
      }
    }
  }
  for (const [port, keys] of groupBy([...ports.keys()], (key) => ports.get(key) ?? 0)) {
    if (keys.filter((key) => !mayShare(key, port)).length > 1) found.add(`${port} for ${keys.sort().join(", ")}`)
  }
  return [...found]
}

/** What is left, and what the history of the database says was done, against what was attempted. */
const remains = (
  byKey: ReadonlyMap<string, ReadonlyArray<Effect>>,
  history: ReadonlyArray<Attempt>,
  { done, ports }: Tables
): Pick<Verdict, "losses" | "inventions"> => {
  const losses: Array<string> = []
  const inventions: Array<string> = []
  for (const key of new Set([...byKey.keys(), ...ports.keys()])) {
    const effects = byKey.get(key) ?? []
    const left = ports.get(key) ?? null
    const overwritten = (effect: Effect) => effects.some((other) => other.sure && other.from > effect.until)
    const last: ReadonlyArray<Effect["port"]> = [
      ...effects.filter((effect) => !overwritten(effect)).map((effect) => effect.port),
      ...(effects.some((effect) => effect.sure) ? [] : [null])
    ]
    if (last.includes(left) || (left !== null && last.includes("any"))) continue
    const attempted = left === null || effects.some(({ port }) => port === left || port === "any")
    if (attempted) losses.push(`${at(key, left)} is left, and not ${last.map((port) => at(key, port)).join(", or ")}`)
    else inventions.push(at(key, left))
  }
  if (done === undefined) return { losses, inventions }

  const tell = (what: string, keys: ReadonlyArray<string>) => keys.map((key) => `${what} of ${key}`)
  const told = ({ ask, outcome }: Attempt): ReadonlyArray<string> => {
    if (outcome._tag === "Refused" || isQuestion(ask)) return []
    const sure = outcome._tag === "Ok" ? outcome : undefined
    switch (ask.command) {
      case "allocate":
        return tell("allocate", sure?.assigned.filter((each) => each.created).map((each) => each.key) ?? keysOf(ask))
      case "release":
        return tell("release", sure?.released ?? keysOf(ask))
      case "deletePort":
        return tell("delete", [ask.key])
      case "rename":
        return tell("rename", sure?.assigned.map((each) => each.key) ?? renamingOf(ask).to)
      case "setPort":
        return tell("set", [ask.key])
      case "undo":
        return sure?.tookBack === undefined
          ? ["undo", "redo"].flatMap((what) => tell(what, ask.touches))
          : tell(sure.tookBack.what, sure.tookBack.keys)
      default:
        return []
    }
  }
  const number = (all: ReadonlyArray<string>) =>
    new Map([...groupBy(all, (each) => each)].map(([each, group]) => [each, group.length]))
  const sure = number(history.filter(({ outcome }) => outcome._tag === "Ok").flatMap(told))
  const open = number(history.filter(({ outcome }) => outcome._tag === "Unknown").flatMap(told))
  const written = number(done.filter(({ what }) => DOINGS.includes(what)).map(({ key, what }) => `${what} of ${key}`))
  for (const each of new Set([...sure.keys(), ...written.keys()])) {
    const times = written.get(each) ?? 0
    const least = sure.get(each) ?? 0
    // Setting a key to the port that it has is done without a trace.
    if (times < least && !each.startsWith("set ")) losses.push(`${each}: ${least} times, written ${times} times`)
    if (times > least + (open.get(each) ?? 0)) inventions.push(`${each}: ${least} times, written ${times} times`)
  }
  return { losses, inventions }
}

const DOINGS: ReadonlyArray<string> = ["allocate", "set", "delete", "release", "rename", "undo", "redo"]

const drift = ({ claims, ports }: Tables): ReadonlyArray<string> => {
  if (claims === undefined) return []
  return [
    ...[...claims].filter(([port, key]) => ports.get(key) !== port).map(([port, key]) => `claim of ${at(key, port)}`),
    ...[...ports].filter(([, port]) => !claims.has(port)).map(([key, port]) => `no claim of ${at(key, port)}`)
  ]
}

const pairs = (history: ReadonlyArray<Attempt>, { ports }: Tables, { appRange }: Rules): ReadonlyArray<string> => {
  const broken = (prod: number | undefined, dev: number | undefined): boolean =>
    prod === undefined || dev !== prod + 1 || prod % 2 !== 0 || prod < appRange.first || dev > appRange.last
  const found: Array<string> = []
  const apps = new Set<string>()
  for (const { ask, outcome } of history) {
    if (ask.command === "rename" && "app" in ask) apps.add(ask.to)
    if (ask.command !== "allocate") continue
    for (const app of ask.app) {
      apps.add(app)
      if (outcome._tag !== "Ok") continue
      const port = (key: string) => outcome.assigned.find((each) => each.key === key)?.port
      if (broken(port(`${app}-prod`), port(`${app}-dev`))) found.push(`${app} was answered no pair`)
    }
  }
  for (const app of apps) {
    const prod = ports.get(`${app}-prod`)
    const dev = ports.get(`${app}-dev`)
    if ((prod !== undefined || dev !== undefined) && broken(prod, dev)) found.push(`${app} has ${prod}, ${dev}`)
  }
  return found
}

/**
 * Two answers to `allocate` for one key that differ, with nothing attempted between them that may explain it. Which of the
 * two was made first is not known if they overlap.
 */
const moved = (
  history: ReadonlyArray<Attempt>,
  byKey: ReadonlyMap<string, ReadonlyArray<Effect>>
): ReadonlyArray<string> => {
  const allocations = history.filter(({ ask }) => ask.command === "allocate").flatMap(effectsOf)
  return [...groupBy(allocations, ({ key }) => key)].flatMap(([key, ofKey]) => {
    const answered = ofKey.filter(({ sure }) => sure).sort((a, b) => a.from - b.from)
    return answered.flatMap((first, index) => {
      const second = answered[index + 1]
      if (second === undefined || second.port === first.port) return []
      const explained = byKey
        .get(key)
        ?.some(
          ({ from, port, until }) => port === null && until > first.from && from < Math.max(first.until, second.until)
        )
      return explained ? [] : [`${at(key, first.port)}, then ${second.port}`]
    })
  })
}

const stale = (history: ReadonlyArray<Attempt>, holds: ReadonlyArray<Hold>): ReadonlyArray<string> => {
  const byKey = groupBy(holds, ({ key }) => key)
  return history.flatMap(({ ask, began, ended, outcome }) => {
    if (ask.command !== "getPort") return []
    const answer =
      outcome._tag === "Ok"
        ? outcome.assigned[0]?.port
        : outcome._tag === "Refused" && outcome.code === "not-set"
          ? null
          : undefined
    if (answer === undefined) return []
    const wrong = byKey
      .get(ask.key)
      ?.find(({ port, since, until }) => since <= began && until >= ended && port !== answer)
    return wrong === undefined ? [] : [`${at(ask.key, answer)} was answered, and it was ${wrong.port}`]
  })
}
