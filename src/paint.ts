import { styleText } from "node:util"

/** Puts text into a format of the terminal's, or leaves it as it is. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string

/** `colour` is whether colours mean anything where it goes; that has been found out by now. */
export const painter =
  (colour: boolean): Paint =>
  (format, text) =>
    colour ? styleText(format, text, { validateStream: false }) : text
