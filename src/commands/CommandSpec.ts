/** The type of an option's value: how it is read and completed. */
export type ValueType =
  | "agent"
  | "app"
  | "check"
  | "conflict"
  | "directory"
  | "domain"
  | "env-format"
  | "export-format"
  | "file"
  | "health"
  | "host"
  | "import-format"
  | "key"
  | "mode"
  | "name"
  | "number"
  | "port"
  | "proxy"
  | "reason"
  | "severity"
  | "shell"
  | "since"
  | "special"
  | "text"
  | "time"

export interface OptionSpec {
  readonly name: string
  /** The name and type of the value; a switch has neither. */
  readonly value?: string
  readonly type?: ValueType
  /** Completes the sentence "this option …". */
  readonly help: string
  readonly required?: true
  /** The options that it may stand for. Exactly one of all these is given. */
  readonly standsFor?: ReadonlyArray<string>
  /** May be given several times. */
  readonly repeated?: true
  /** Usually names something that does not exist yet. */
  readonly isNew?: true
  /** Names a port that `d reserve` reserved. */
  readonly isReserved?: true
  /** Names an operation of the history. */
  readonly isOperation?: true
  /** Says nothing without this other option. */
  readonly goesWith?: string
}

export type CommandKind =
  /** Runs on the registry: in a daemon if one answers, otherwise in the command's own process. */
  | "registry"
  /** Asks the daemon about itself. */
  | "daemon"
  /** Runs in the client, which asks the registry for what it needs. */
  | "local"
  /** Needs neither the registry nor a daemon. */
  | "builtin"
  /** Is the daemon. */
  | "service"

export interface CommandSpec {
  readonly name: string
  readonly kind: CommandKind
  /** Changes nothing. Other commands are sent only to a daemon that has identified itself. */
  readonly readOnly: boolean
  /**
   * Makes at most one change, with an operation id: after a lost reply the command is sent again with the same id, and
   * the change is not made twice.
   */
  readonly idempotent: boolean
  /** Changes nothing but the registry, in one operation that `undo` takes back. */
  readonly undoable?: true
  /** Depends on the ranges and the reserved ports, so a daemon with different ones must not answer. */
  readonly usesRanges?: true
  /**
   * Takes the project of a directory from the client. `meant`: its app is meant if neither a key nor an app is named; `noted`:
   * the project becomes the owner of its app; `mine`: it is meant by --mine.
   */
  readonly here?: "meant" | "mine" | "noted"
  /** Never runs in a daemon. */
  readonly inProcess?: true
  /** Is one of those that people use first. */
  readonly common?: true
  readonly summary: string
  /** The arguments after the name, one form per line. */
  readonly usage: ReadonlyArray<string>
  readonly options: ReadonlyArray<OptionSpec>
  /** At least one of these options is given. */
  readonly needs?: ReadonlyArray<string>
  /**
   * The form that is shortest to type: perhaps a name of its own, and the options whose values its words are. A word that
   * is no number is not taken for a port or a number as long as another option is left.
   */
  readonly short?: { readonly usage: string; readonly options: ReadonlyArray<string> }
  /** Names that people try instead, and are told this one. */
  readonly synonyms?: ReadonlyArray<string>
  /** The exit code of every error of its own. */
  readonly errorCode?: number
  /** An argument without an option. `words`: the first word that is no option, and everything after it. */
  readonly operand?:
    | { readonly name: string; readonly type: "command" | "file" | "words" }
    /** Likewise a file, or `-` for standard input. */
    | { readonly name: string; readonly type: "file"; readonly dash: true }
    /** One of these words, which must be given unless it is optional. */
    | {
        readonly name: string
        readonly type: "choice"
        readonly choices: ReadonlyArray<string>
        readonly optional?: true
      }
  /** Paragraphs. */
  readonly details: ReadonlyArray<string>
  readonly examples: ReadonlyArray<string>
  /** The exit code of a result; 0 if not given. */
  readonly exitCode?: (result: unknown) => number
}

export const json: OptionSpec = { name: "json", help: "print one JSON document" }
