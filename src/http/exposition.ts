/** Prometheus's text format, version 0.0.4. */

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly labels?: Labels
  readonly value: number
  /** Of a histogram: `_bucket`, `_sum` or `_count`. */
  readonly suffix?: string
}

export interface Family {
  readonly name: string
  readonly type: "counter" | "gauge" | "histogram"
  readonly help: string
  readonly samples: ReadonlyArray<Sample>
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" }

const escaped = (value: string): string => value.replace(/[\\"\n]/g, (character) => ESCAPES[character] ?? character)

const labelled = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

const formatted = ({ help, name, samples, type }: Family): string =>
  [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(({ labels = {}, suffix = "", value }) => `${name}${suffix}${labelled(labels)} ${value}`)
  ].join("\n")

export const exposition = (families: ReadonlyArray<Family>): string =>
  `${families
    .filter(({ samples }) => samples.length > 0)
    .map(formatted)
    .join("\n")}\n`
