/** How much room there is, and whether colours mean anything there. */
export interface Style {
  /** In columns; none where lines may be of any length. */
  readonly width: number | undefined
  readonly colour: boolean
}

/** For a pipe and the wire: whole and without colours. */
export const plain: Style = { width: undefined, colour: false }
