import { styleText } from "node:util"

/** How the output looks: its width, and whether it takes colours. */
export interface Style {
  /** In columns; undefined if it is no terminal, and lines may have any length. */
  readonly width: number | undefined
  readonly colour: boolean
  /** The name of this host, as claims have it. */
  readonly host: () => string
}

/** For a pipe and the wire: any width, no colours. */
export const plain: Style = { width: undefined, colour: false, host: () => "" }

/** Formats text for a terminal, or leaves it as it is. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string

/** `colour`: whether the stream supports it (already checked). */
export const painter =
  (colour: boolean): Paint =>
  (format, text) =>
    colour ? styleText(format, text, { validateStream: false }) : text
