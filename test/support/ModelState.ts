/** What a refused call is refused with: the tag of the error and its facts. */
export type Facts = Readonly<Record<string, unknown>>

export class Refused extends Error {
  readonly facts: Facts
  constructor(facts: Facts) {
    super(JSON.stringify(facts))
    this.facts = facts
  }
}

interface Range {
  readonly first: number
  readonly last: number
}

interface Claim {
  readonly key: string
  /** The step in which the key got its right. */
  readonly since: number
}

export const kindOf = (key: string) => (/-prod$/.test(key) ? "prod" : /-dev$/.test(key) ? "dev" : "special")

/** What the model keeps, and how its claims come to agree with its rows. */
export class ModelState {
  readonly appRange: Range
  readonly specialRange: Range
  /** Port → reason, by configuration. */
  readonly configured: ReadonlyMap<number, string>

  step = 0
  /** Key → what its row holds. */
  rows = new Map<string, string>()
  claims = new Map<number, Claim>()
  known = new Map<string, { description: string | null; directory: string | null }>()
  reserved = new Map<number, string>()
  /** What the last step has to have written: what, key, old port, new port, detail. */
  history: Array<ReadonlyArray<string | number | null>> = []

  constructor(appRange: Range, specialRange: Range, configured: ReadonlyMap<number, string>) {
    this.appRange = appRange
    this.specialRange = specialRange
    this.configured = configured
  }

  portOf(key: string): number | undefined {
    const stored = this.rows.get(key) ?? ""
    return /^[1-9]\d*$/.test(stored) && Number(stored) <= 65_535 ? Number(stored) : undefined
  }

  /** Keys that have `port`, the lowest name first. */
  holders(port: number): ReadonlyArray<string> {
    return [...this.rows.keys()].filter((key) => this.portOf(key) === port).sort()
  }

  protected reasonFor(port: number): string | undefined {
    return this.reserved.get(port) ?? this.configured.get(port)
  }

  /**
   * Gives each port that has keys to one of them: to the one that has the right already; else to the one that comes
   * with the oldest right to another port; else to the lowest name.
   */
  protected agree(tell: boolean): void {
    const held = new Map([...this.claims].map(([port, { key, since }]) => [key, { port, since }]))
    const claims = new Map<number, Claim>()
    for (const port of new Set([...this.rows.keys()].map((key) => this.portOf(key)))) {
      if (port === undefined) continue
      const holders = this.holders(port)
      const stays = holders.find((key) => held.get(key)?.port === port)
      const ages = holders.flatMap((key) => held.get(key)?.since ?? [])
      const key = stays ?? holders.find((each) => held.get(each)?.since === Math.min(...ages)) ?? holders[0] ?? ""
      claims.set(port, { key, since: held.get(key)?.since ?? this.step })
    }
    const holds = new Map([...claims].map(([port, { key }]) => [key, port]))
    for (const key of new Set([...held.keys(), ...holds.keys()])) {
      const [from, to] = [held.get(key)?.port ?? null, holds.get(key) ?? null]
      if (tell && from !== to)
        this.history.push([from === null ? "adopt" : to === null ? "drop" : "follow", key, from, to, null])
    }
    this.claims = claims
  }

  /** One call: everything or, where it is refused, nothing. */
  protected change<A>(decide: () => A, keep = true): { answer: A } | { refused: Facts } {
    const { claims, history, known, reserved, rows } = this
    const back = { claims, history, known, reserved, rows }
    this.rows = new Map(rows)
    this.known = new Map([...known].map(([key, record]) => [key, { ...record }]))
    this.reserved = new Map(reserved)
    try {
      this.agree(true)
      const answer = decide()
      this.agree(false)
      if (!keep) Object.assign(this, back, { history: [] })
      return { answer }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      Object.assign(this, back, { history: [] })
      return { refused: error.facts }
    }
  }

  protected assign(what: string, key: string, port: number): void {
    this.history.push([what, key, this.portOf(key) ?? null, port, null])
    this.rows.set(key, String(port))
    this.introduce(key)
  }

  protected introduce(key: string) {
    const record = this.known.get(key) ?? { description: null, directory: null }
    this.known.set(key, record)
    return record
  }

  protected needPort(key: string): number {
    const port = this.portOf(key)
    const stored = this.rows.get(key)
    if (port === undefined) throw new Refused({ _tag: "NotSet", key, ...(stored === undefined ? {} : { stored }) })
    return port
  }

  protected rangeOf(key: string): Range {
    return kindOf(key) === "special" ? this.specialRange : this.appRange
  }

  protected oddities(key: string, port: number): Array<Facts> {
    const kind = kindOf(key)
    const range = this.rangeOf(key)
    const notes: Array<Facts> = []
    if (port < range.first || port > range.last) notes.push({ _tag: "OutOfRange", key, port, range })
    if ((kind === "prod" && port % 2 === 1) || (kind === "dev" && port % 2 === 0))
      notes.push({ _tag: "WrongParity", key, port, kind })
    return notes
  }
}
