import { CommandFailed } from "../domain/CommandFailed.ts"
import { printedJson } from "../text/printed.ts"
import type { ToolMeans } from "./Tool.ts"

const REGISTRY = "ports://registry"
const KEY = "ports://key/"
const JSON_TYPE = "application/json"

export const resources = [
  {
    uri: REGISTRY,
    name: "registry",
    title: "All ports",
    description: "Every assigned port, as d listPorts --json prints it",
    mimeType: JSON_TYPE
  }
]

export const resourceTemplates = [
  {
    uriTemplate: `${KEY}{key}`,
    name: "key",
    title: "One key",
    description: "Everything about the port of a key, as d explain --json prints it",
    mimeType: JSON_TYPE
  }
]

const keyIn = (uri: string): string | undefined => {
  try {
    return uri.startsWith(KEY) ? decodeURIComponent(uri.slice(KEY.length)) : undefined
  } catch {
    return undefined
  }
}

/** Returns the document at `uri`; undefined if there is no such resource. Fails with CommandFailed. */
export const readResource = async (uri: string, { ask }: ToolMeans): Promise<string | undefined> => {
  const key = keyIn(uri)
  if (uri !== REGISTRY && key === undefined) return undefined
  const answer = await (key === undefined ? ask("listPorts", {}) : ask("explain", { key }))
  if (!answer.ok) throw new CommandFailed(answer.error)
  return printedJson(answer.result)
}

/** The type of every resource. */
export const resourceType = JSON_TYPE
