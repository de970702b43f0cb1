/** The daemon and the registry that the functions of a shell were made for. */
export interface Place {
  /** The sockets that a daemon of this user may serve, the preferred one first. */
  readonly sockets: ReadonlyArray<string>
  /** The configuration file, which may name another registry after the daemon was started. */
  readonly settingsFile: string
  /** The registry, as the daemon has it in the file beside its socket. */
  readonly registry: string
  /** The registry, as a request has it: JSON. */
  readonly fingerprint: string
  /** The variables on which all of this depends. */
  readonly variables: ReadonlyArray<string>
}

/** Returns the values of the variables as one word of bash or zsh, without printing any. */
export const valuesOf = ({ variables }: Place): string => `"${variables.map((name) => `\${${name}-}`).join("|")}"`
