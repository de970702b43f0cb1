import type { Sample } from "./exposition.ts"

/** Upper bounds in seconds: a key is found in less than a millisecond, and a change may wait for a minute. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

/** Counts durations by their length. */
export class Histogram {
  private readonly counts = BOUNDS.map(() => 0)
  private count = 0
  private sum = 0

  observe(seconds: number): void {
    this.count++
    this.sum += seconds
    const at = BOUNDS.findIndex((bound) => seconds <= bound)
    if (at !== -1) this.counts[at] = (this.counts[at] ?? 0) + 1
  }

  samples(labels: Readonly<Record<string, string>> = {}): ReadonlyArray<Sample> {
    let below = 0
    const buckets = BOUNDS.map((bound, at) => {
      below += this.counts[at] ?? 0
      return { suffix: "_bucket", labels: { ...labels, le: String(bound) }, value: below }
    })
    return [
      ...buckets,
      { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: this.count },
      { suffix: "_sum", labels, value: this.sum },
      { suffix: "_count", labels, value: this.count }
    ]
  }
}
