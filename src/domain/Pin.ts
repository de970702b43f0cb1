import { columnText } from "./foreignText.ts"

/** Says that a key keeps its port even if it is not used: by whom, and since when. */
export interface Pin {
  /** ISO 8601. */
  readonly at: string
  readonly host: string
  readonly by: string
}

/** The name under which the pin of a key is stored in port_registry begins with this, and ends with the key. */
export const PIN = "pin:"

/** Reads a stored pin. What cannot be read is one all the same: rather keep a port than lose it. */
export const parsePin = (text: string): Pin => {
  try {
    const { at, by, host } = JSON.parse(text)
    return { at: columnText(at), host: columnText(host), by: columnText(by) }
  } catch {
    return { at: "", host: "", by: "" }
  }
}
