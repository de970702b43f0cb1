import { styleText } from "node:util"

/** The width of the output and whether it takes colours. */
export interface Style {
  /** In columns; undefined if lines may have any length. */
  readonly width: number | undefined
  readonly colour: boolean
}

/** For a pipe and the wire: any width, no colours. */
export const plain: Style = { width: undefined, colour: false }

/** Formats text for a terminal, or leaves it as it is. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string

/** `colour`: whether the stream supports it (already checked). */
export const painter =
  (colour: boolean): Paint =>
  (format, text) =>
    colour ? styleText(format, text, { validateStream: false }) : text
