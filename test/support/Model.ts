import { type Facts, kindOf, ModelState, Refused } from "./ModelState.ts"

interface AllocateCall {
  readonly apps: ReadonlyArray<string>
  readonly specials: ReadonlyArray<string>
  readonly description: string | undefined
  readonly directory: string | undefined
  readonly dryRun: boolean
}

interface SetCall {
  readonly key: string
  readonly port: number | undefined
  readonly description: string | undefined
  readonly directory: string | undefined
  readonly force: boolean
}

interface NamedCall {
  readonly as: "key" | "app" | "name"
  readonly name: string
}

const KEYS_OF = {
  app: (name: string) => [`${name}-prod`, `${name}-dev`],
  special: (name: string) => [name]
}

/**
 * The registry as a plain program would keep it, in Maps: what the real one has to agree with, answer by answer and
 * row by row. It knows nothing of `src`, and is slow and simple on purpose.
 */
export class Model extends ModelState {
  get(key: string) {
    try {
      return { answer: { result: { key, port: this.needPort(key) }, notes: [] } }
    } catch (error) {
      return { refused: (error as Refused).facts }
    }
  }

  list(app: string | undefined) {
    const result = [...this.rows.keys()]
      .flatMap((key) => {
        const port = this.portOf(key)
        const kind = kindOf(key)
        const owner = kind === "special" ? null : key.slice(0, key.lastIndexOf("-"))
        if (port === undefined || (app !== undefined && owner !== app)) return []
        const host = this.claims.get(port)?.key === key ? "box" : null
        return [
          { key, port, kind, app: owner, description: this.known.get(key)?.description ?? null, host, pinned: false }
        ]
      })
      .sort((a, b) => a.port - b.port || (a.key < b.key ? -1 : 1))
    const notes = [...this.rows]
      .filter(([key]) => this.portOf(key) === undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, stored]) => ({ _tag: "NoPort", key, stored }))
    const none = app !== undefined && result.length === 0 ? [{ _tag: "NoneListed" }] : []
    return { answer: { result, notes: [...notes, ...none] } }
  }

  set({ description, directory, force, key, port }: SetCall) {
    return this.change(() => {
      const wanted = port ?? this.needPort(key)
      const notes: Array<Facts> = []
      if (this.portOf(key) !== wanted) {
        const holders = this.holders(wanted)
        if (holders.length > 0 && !force) throw new Refused({ _tag: "PortHeld", key, port: wanted, holders })
        const reason = this.reasonFor(wanted)
        notes.push(...this.oddities(key, wanted))
        if (holders.length > 0) notes.push({ _tag: "Shared", port: wanted, holders })
        if (reason !== undefined) notes.push({ _tag: "Reserved", port: wanted, reason })
        this.assign("set", key, wanted)
      }
      this.describe(key, description)
      this.moved(key, directory, notes)
      this.bind(key, directory)
      return { result: { key, port: wanted }, notes }
    })
  }

  private describe(key: string, description: string | undefined) {
    if (description === undefined || description === (this.known.get(key)?.description ?? "")) return
    const text = description === "" ? null : description
    this.introduce(key).description = text
    this.history.push(["describe", key, null, null, text])
  }

  private bind(key: string, directory: string | undefined) {
    if (directory === undefined || this.known.get(key)?.directory === directory) return
    this.introduce(key).directory = directory
    this.history.push(["bind", key, null, null, directory])
  }

  /** What is told of `key` if it lived in another directory than `to` so far; once for both halves of an app. */
  private moved(key: string, to: string | undefined, notes: Array<Facts>) {
    const from = this.known.get(key)?.directory ?? to
    if (to === undefined || from === to) return
    const kind = kindOf(key) === "special" ? "special" : "app"
    const name = kind === "app" ? key.slice(0, key.lastIndexOf("-")) : key
    if (!notes.some((note) => note["_tag"] === "Moved" && note["name"] === name && note["from"] === from))
      notes.push({ _tag: "Moved", name, kind, from, to })
  }

  private forget(what: string, key: string) {
    const port = this.portOf(key) ?? null
    this.rows.delete(key)
    this.known.delete(key)
    this.history.push([what, key, port, null, null])
    return { key, port }
  }

  remove(key: string) {
    return this.change(() => {
      if (!this.rows.has(key))
        throw new Refused({ _tag: "NotFound", key, isApp: KEYS_OF.app(key).some((each) => this.rows.has(each)) })
      return { result: { released: [this.forget("delete", key)] }, notes: [] }
    })
  }

  release(apps: ReadonlyArray<string>, specials: ReadonlyArray<string>) {
    return this.change(() => {
      const released: Array<Facts> = []
      const notes: Array<Facts> = []
      const wanted = [
        ...[...new Set(apps)].map((name) => ({ name, kind: "app" as const })),
        ...[...new Set(specials)].map((name) => ({ name, kind: "special" as const }))
      ]
      const has = (keys: ReadonlyArray<string>) => keys.filter((key) => this.rows.has(key))
      for (const { kind, name } of wanted) {
        const there = has(KEYS_OF[kind](name))
        const other = kind === "app" ? "special" : "app"
        if (there.length === 0)
          notes.push({ _tag: "NothingHeld", name, kind, isOther: has(KEYS_OF[other](name)).length > 0 })
        for (const key of there) released.push(this.forget("release", key))
      }
      return { result: { released }, notes }
    })
  }

  /** The keys that `named` means, or the refusal. */
  private find(command: string, named: NamedCall): { readonly kind: string; readonly keys: ReadonlyArray<string> } {
    const { name } = named
    const whichever = kindOf(name) === "special" ? undefined : "key"
    const asked = named.as === "name" ? whichever : named.as
    const halves = kindOf(name) === "special" ? KEYS_OF.app(name).filter((key) => this.rows.has(key)) : []
    const found = [
      ...(this.rows.has(name) ? [{ kind: "key", keys: [name] }] : []),
      ...(halves.length > 0 ? [{ kind: "app", keys: halves }] : [])
    ]
    const [first, second] = found.filter(({ kind }) => asked === undefined || asked === kind)
    if (second !== undefined) throw new Refused({ _tag: "Ambiguous", command, name, halves })
    if (first === undefined)
      throw new Refused({ _tag: "NothingNamed", command, name, asked, isOther: found.length > 0 })
    return first
  }

  private move(key: string, to: string, port: number) {
    const record = this.known.get(key)
    this.rows.delete(key)
    this.rows.set(to, String(port))
    this.known.delete(to)
    this.known.delete(key)
    if (record !== undefined) this.known.set(to, record)
    this.claims = new Map(
      [...this.claims].map(([at, claim]) => [at, claim.key === key ? { ...claim, key: to } : claim])
    )
    this.history.push(["rename", to, port, port, key])
  }

  rename(named: NamedCall, to: string) {
    return this.change(() => {
      const { keys, kind } = this.find("rename", named)
      const isApp = kind === "app"
      if (isApp && kindOf(to) !== "special") throw new Refused({ _tag: "NotAnApp", app: named.name, to })
      const renamed = keys.map((from) => ({
        from,
        key: isApp ? `${to}-${kindOf(from)}` : to,
        port: this.needPort(from)
      }))
      if (named.name !== to) {
        for (const each of isApp ? KEYS_OF.app(to) : [to]) {
          const taken = this.rows.get(each)
          const ofApp = isApp ? { app: to } : {}
          if (taken !== undefined)
            throw new Refused({ _tag: "KeyTaken", key: named.name, to: each, port: taken, ...ofApp })
        }
        for (const { from, key, port } of renamed) this.move(from, key, port)
      }
      const [only] = isApp ? [] : renamed
      return only === undefined
        ? { result: { key: null, port: null, renamed }, notes: [] }
        : { result: { key: only.key, port: only.port, renamed }, notes: this.oddities(only.key, only.port) }
    })
  }

  describeNamed(named: NamedCall, text: string) {
    return this.change(() => {
      const { keys } = this.find("describe", named)
      const described = keys.map((key) => ({ key, port: this.needPort(key), description: text === "" ? null : text }))
      for (const key of keys) this.describe(key, text)
      return { result: { described }, notes: [] }
    })
  }

  reserve(ports: ReadonlyArray<number>, reason: string) {
    return this.change(() => {
      const held = ports.filter((port) => this.holders(port).length > 0)
      const changed = ports.filter((port) => (this.reserved.get(port) ?? reason) !== reason)
      const former = new Set(changed.flatMap((port) => this.reserved.get(port) ?? []))
      const notes: Array<Facts> = [...former].map((each) => ({
        _tag: "WasReserved",
        ports: changed.filter((port) => this.reserved.get(port) === each),
        reason: each
      }))
      for (const port of ports) {
        if (this.reserved.get(port) !== reason) this.history.push(["reserve", null, null, port, reason])
        this.reserved.set(port, reason)
      }
      if (held.length > 0)
        notes.unshift({ _tag: "StaysHeld", ports: held, holders: held.flatMap((port) => this.holders(port)) })
      return { result: { port: ports.length === 1 ? ports[0] : null, reason, ports }, notes }
    })
  }

  unreserve(ports: ReadonlyArray<number>) {
    return this.change(() => {
      const freed = ports.filter((port) => this.reserved.has(port))
      const reason = ports.length === 1 ? this.configured.get(ports[0] ?? 0) : undefined
      if (freed.length === 0)
        throw new Refused({ _tag: "NotReserved", ports, ...(reason === undefined ? {} : { reason }) })
      for (const port of freed) {
        this.history.push(["unreserve", null, port, null, this.reserved.get(port) ?? null])
        this.reserved.delete(port)
      }
      const others = ports.filter((port) => !freed.includes(port))
      const reasons = new Set(freed.flatMap((port) => this.configured.get(port) ?? []))
      const notes: Array<Facts> = others.length > 0 ? [{ _tag: "WasNotReserved", ports: others }] : []
      for (const each of reasons)
        notes.push({
          _tag: "StillReserved",
          ports: freed.filter((port) => this.configured.get(port) === each),
          reason: each
        })
      return { result: { port: ports.length === 1 ? ports[0] : null, ports: freed }, notes }
    })
  }

  listReserved() {
    const result = [
      ...[...this.configured]
        .filter(([, reason]) => !reason.startsWith("blocked"))
        .map(([port, reason]) => ({ port, reason, source: "configuration" })),
      ...[...this.reserved].map(([port, reason]) => ({ port, reason, source: "reserve" }))
    ]
    return { answer: { result: result.sort((a, b) => a.port - b.port), notes: [] } }
  }

  /** Why `port` cannot be had. */
  private obstacle(port: number): Facts | undefined {
    const [key] = this.holders(port)
    if (key !== undefined) return { _tag: "Assigned", key }
    const loose = this.looselyHeldBy(port)
    const reason = this.reasonFor(port) ?? (loose === undefined ? undefined : `taken by ${loose}`)
    return reason === undefined ? undefined : { _tag: "Reserved", reason }
  }

  /** The keys that a call allocates, whose rows it writes. */
  private allocated: ReadonlyArray<string> = []

  /** The key whose row begins with `port`, as other programs read it, and is no port. */
  private looselyHeldBy(port: number): string | undefined {
    return [...this.rows]
      .filter(([key, stored]) => {
        const [, digits = ""] = /^\s*\+?0*(\d*)/.exec(stored) ?? []
        return this.portOf(key) === undefined && !this.allocated.includes(key) && digits === String(port)
      })
      .map(([key]) => key)
      .sort()[0]
  }

  private passedOver(
    assignments: ReadonlyArray<{ key: string; port: number; created: boolean }>
  ): ReadonlyArray<Facts> {
    return [this.appRange, this.specialRange].flatMap(({ first, last }, kind) =>
      Array.from({ length: last - first + 1 }, (_, at) => first + at).flatMap((port): ReadonlyArray<Facts> => {
        const key = this.looselyHeldBy(port)
        const isPassed = assignments.some(
          (each) => each.created && port < each.port && /-(prod|dev)$/.test(each.key) === (kind === 0)
        )
        if (key === undefined || !isPassed || this.holders(port).length > 0 || this.reasonFor(port) !== undefined)
          return []
        return [{ _tag: "PassedOver", port, key, stored: this.rows.get(key) ?? "" }]
      })
    )
  }

  private lowestFree(kind: "app" | "special", name: string): number {
    const range = kind === "app" ? this.appRange : this.specialRange
    const size = kind === "app" ? 2 : 1
    const figures = { slots: 0, claimed: 0, reserved: 0, busy: 0, stale: 0 }
    for (let port = range.first; port <= range.last; port += size) {
      const why = [port, port + size - 1].map((each) => this.obstacle(each)?.["_tag"])
      if (why.every((each) => each === undefined)) return port
      figures.slots++
      if (why.includes("Assigned")) figures.claimed++
      else figures.reserved++
    }
    throw new Refused({ _tag: "RangeFull", kind, name, range, figures })
  }

  /** The pair of `app`, which is assigned nothing yet. */
  private pairFor(app: string, notes: Array<Facts>): { prod: number; dev: number } {
    const range = this.appRange
    const prod = this.portOf(`${app}-prod`)
    const dev = this.portOf(`${app}-dev`)
    if (prod !== undefined && dev !== undefined) {
      const whole = prod % 2 === 0 && dev === prod + 1 && prod >= range.first && dev <= range.last
      if (!whole) notes.push({ _tag: "OddPair", app, prod, dev, range })
      return { prod, dev }
    }
    const port = prod ?? dev
    if (port === undefined) {
      const free = this.lowestFree("app", app)
      return { prod: free, dev: free + 1 }
    }
    const half = prod === undefined ? "dev" : "prod"
    const blocked = { _tag: "PairBlocked", app, range, half, port }
    if (this.oddities(`${app}-${half}`, port).length > 0) throw new Refused(blocked)
    const partner = half === "prod" ? port + 1 : port - 1
    const obstacle = this.obstacle(partner)
    if (obstacle !== undefined) throw new Refused({ ...blocked, obstacle })
    return half === "prod" ? { prod: port, dev: partner } : { prod: partner, dev: port }
  }

  allocate({ apps, description, directory, dryRun, specials }: AllocateCall) {
    return this.change(() => {
      const notes: Array<Facts> = []
      const moved: Array<Facts> = []
      this.allocated = [...apps.flatMap((app) => [`${app}-prod`, `${app}-dev`]), ...specials]
      const assignments: Array<{ key: string; port: number; created: boolean }> = []
      const take = (key: string, port: number) => {
        const created = this.portOf(key) !== port
        assignments.push({ key, port, created })
        if (created) this.assign("allocate", key, port)
        this.describe(key, description)
        this.moved(key, directory, moved)
        this.bind(key, directory)
      }
      for (const app of new Set(apps)) {
        const { dev, prod } = this.pairFor(app, notes)
        take(`${app}-prod`, prod)
        take(`${app}-dev`, dev)
      }
      for (const key of new Set(specials)) take(key, this.portOf(key) ?? this.lowestFree("special", key))
      return { result: { assignments, skipped: [] }, notes: [...this.passedOver(assignments), ...notes, ...moved] }
    }, !dryRun)
  }
}
