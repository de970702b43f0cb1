import { isNode, LineCounter, parseDocument } from "yaml"
import type { Place } from "./document.ts"
import type { Source } from "./Source.ts"

/** A parsed document, and the line of a place in it. */
export interface Yaml {
  readonly value: unknown
  readonly lineAt: (place: Place) => number | undefined
}

/** Parses YAML, which JSON is part of; undefined if the text is none. */
export const parseYaml = ({ text }: Source): Yaml | undefined => {
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter, logLevel: "silent", uniqueKeys: false })
  if (document.errors.length > 0) return undefined
  try {
    return {
      value: document.toJS(),
      lineAt: (place) => {
        const node = document.getIn(place, true)
        return isNode(node) && node.range ? counter.linePos(node.range[0]).line : undefined
      }
    }
  } catch {
    // More aliases than a document of this kind can have.
    return undefined
  }
}
