import { dirname } from "node:path"
import type { AgentPart, AgentState } from "../domain/Agents.ts"
import type { Environment } from "../domain/Environment.ts"
import { breakOf, findBlock, withBlock, withoutBlock } from "../files/block.ts"
import { isProblem, type Problem } from "../files/problem.ts"
import type { McpFile } from "./McpFile.ts"
import { type Program, programOf, shownProgram, stateOf } from "./program.ts"
import { PARAGRAPH, PARAGRAPH_BEGIN, PARAGRAPH_END, SKILL, SKILL_MARK } from "./texts.ts"

/** A content that a file is given; `text` is undefined if the file goes. */
export interface Planned {
  readonly text: string | undefined
  /** The lines that go, and the ones that come in their place. */
  readonly removed: ReadonlyArray<string>
  readonly added: ReadonlyArray<string>
}

/** Something that is written for an agent. It decides on the text of its file, and reads and writes none. */
export interface Part {
  readonly part: AgentPart
  readonly file: string
  /** The mode of the file if it is made. */
  readonly mode: number
  /** Directories that go with the file if they are empty then, the lowest first. */
  readonly directories: ReadonlyArray<string>
  readonly status: (text: string | undefined) => { readonly state: AgentState; readonly detail: string | null }
  readonly install: (text: string | undefined) => Planned | Problem
  /** Removes what is ours, and leaves what is not. */
  readonly uninstall: (text: string) => Planned | Problem
}

/** An agent may write passwords into its configuration later. */
const PRIVATE = 0o600
const PUBLIC = 0o666

const planned = (
  text: string | Problem | undefined,
  removed: ReadonlyArray<string>,
  added: ReadonlyArray<string>
): Planned | Problem => (isProblem(text) ? text : { text, removed, added })

const unchanged = (text: string | undefined): Planned => ({ text, removed: [], added: [] })

/** The name of the entry. */
export const SERVER = "ports"

/** The entry of the MCP server in the configuration of an agent. */
export const mcpPart = (file: string, format: McpFile, own: Program, environment: Environment): Part => {
  const inspect = (text: string | undefined) => {
    const found = text === undefined ? { entry: undefined } : format.read(text)
    if (isProblem(found)) return { state: "unreadable" as const, problem: found }
    if (found.entry === undefined) return { state: "none" as const }
    const program = programOf(found.entry)
    return program === undefined
      ? { state: "foreign" as const }
      : { state: stateOf(program, own, environment), program }
  }
  return {
    part: "mcp",
    file,
    mode: PRIVATE,
    directories: [],
    status: (text) => {
      const { problem, program, state } = inspect(text)
      const starts = program === undefined || state === "current" ? null : shownProgram(program)
      return { state, detail: problem?.problem ?? starts }
    },
    install: (text) => {
      const { problem, program, state } = inspect(text)
      if (problem !== undefined) return problem
      if (state === "foreign")
        return {
          problem: `has another server that is called ${SERVER}`,
          hint: "give that one another name, and run this again"
        }
      if (text === undefined || program === undefined) return planned(format.add(text, own), [], format.lines(own))
      if (state === "current") return unchanged(text)
      return planned(format.change(text, own), format.lines(program), format.lines(own))
    },
    uninstall: (text) => {
      const { problem, program } = inspect(text)
      if (problem !== undefined) return problem
      return program === undefined ? unchanged(text) : planned(format.remove(text), format.lines(program), [])
    }
  }
}

const linesOf = (text: string): ReadonlyArray<string> => text.trimEnd().split(/\r?\n/)

/** The skill, a file in a directory of its own. */
export const skillPart = (file: string, directories: ReadonlyArray<string>): Part => {
  const stateOfSkill = (text: string | undefined): AgentState => {
    if (text === undefined) return "none"
    return text === SKILL ? "current" : text.includes(SKILL_MARK) ? "old" : "foreign"
  }
  return {
    part: "skill",
    file,
    mode: PUBLIC,
    directories: [dirname(file), ...directories],
    status: (text) => ({ state: stateOfSkill(text), detail: null }),
    install: (text) => {
      const state = stateOfSkill(text)
      if (state === "foreign")
        return {
          problem: "was not written by d agents install, or its mark was removed",
          hint: "move it away, and run this again"
        }
      if (state === "current") return unchanged(text)
      return { text: SKILL, removed: text === undefined ? [] : linesOf(text), added: linesOf(SKILL) }
    },
    uninstall: (text) =>
      stateOfSkill(text) === "foreign" ? unchanged(text) : { text: undefined, removed: linesOf(text), added: [] }
  }
}

/** The paragraph in AGENTS.md. */
export const paragraphPart = (file: string): Part => {
  const inspect = (text: string) => {
    const place = findBlock(text, PARAGRAPH_BEGIN, PARAGRAPH_END)
    if (isProblem(place)) return { state: "unreadable" as const, problem: place }
    if (place === undefined) return { state: "none" as const }
    const lines = linesOf(text.slice(place.from, place.to))
    return { state: lines.join("\n") === PARAGRAPH.join("\n") ? ("current" as const) : ("old" as const), lines, place }
  }
  return {
    part: "paragraph",
    file,
    mode: PUBLIC,
    directories: [],
    status: (text) => {
      const { problem, state } = inspect(text ?? "")
      return { state, detail: problem?.problem ?? null }
    },
    install: (text) => {
      const { lines = [], place, problem, state } = inspect(text ?? "")
      if (problem !== undefined) return problem
      if (state === "current") return unchanged(text)
      if (text === undefined || place === undefined) return planned(withBlock(text, PARAGRAPH), [], PARAGRAPH)
      const block = PARAGRAPH.join(breakOf(text))
      return planned(text.slice(0, place.from) + block + text.slice(place.to), lines, PARAGRAPH)
    },
    uninstall: (text) => {
      const { lines = [], place, problem } = inspect(text)
      if (problem !== undefined) return problem
      return place === undefined ? unchanged(text) : planned(withoutBlock(text, place), lines, [])
    }
  }
}
