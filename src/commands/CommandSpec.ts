export interface OptionSpec {
  readonly name: string
  /** What stands for the value in the help; an option without it is a switch. */
  readonly value?: string
  readonly help: string
  readonly required?: true
  /** May be given several times. */
  readonly repeated?: true
}

export interface CommandSpec {
  readonly name: string
  readonly summary: string
  /** What follows the command's name, one way of calling it a line. */
  readonly usage: ReadonlyArray<string>
  readonly options: ReadonlyArray<OptionSpec>
  /** Paragraphs. */
  readonly details: ReadonlyArray<string>
  readonly examples: ReadonlyArray<string>
  /** A word that may follow without an option. */
  readonly operand?: string
  /** Runs in a process of its own, and is never taken to a daemon. */
  readonly alone?: true
}

export const json: OptionSpec = { name: "json", help: "answer with one JSON document" }
