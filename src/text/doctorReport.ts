import type { Explanation } from "../domain/Explanation.ts"
import {
  type Examination,
  type Finding,
  type Fix,
  type IgnoredFindings,
  isAtLeast,
  SEVERITIES,
  type Severity
} from "../domain/Finding.ts"
import type { HistoryEvent } from "../domain/HistoryEvent.ts"
import { describeOwner } from "../domain/Owner.ts"
import { counted, describeTarget, nameOf, unignoring } from "./describe.ts"
import { healthText, ignoredTexts, listenerText, sightText, type Told, unlisted } from "./explanationTexts.ts"
import { joined, type Line, type Printed, printed, type Span } from "./printed.ts"
import type { Style } from "./terminalStyle.ts"
import { painter } from "./terminalStyle.ts"
import { localTimes, wrapped } from "./terminalText.ts"

/** The doctor's report for people: grouped by check, the worst first, with counts at the end. */

const COLOURS = { error: "red", warning: "yellow", info: "cyan" } as const

const headOf = ({ check, severity }: Finding): Line => [{ format: COLOURS[severity], text: severity }, `  ${check}`]

const toldIn = ({ width }: Style): Told => (width === undefined ? (text) => text : (text) => localTimes(text))

const linesOf = ({ advice, fix }: Fix): ReadonlyArray<Line> => [
  ...(fix === null ? [] : [`    fix: ${fix}`]),
  ...(advice === null ? [] : [`    note: ${advice}`])
]

const factsOf = ({ evidence, message }: Finding, told: Told): ReadonlyArray<Line> => [
  ["  ", { format: "bold", text: told(message) }],
  `    evidence: ${told(evidence)}`
]

const ofFinding = (finding: Finding, told: Told): ReadonlyArray<Line> => [
  ...factsOf(finding, told),
  ...linesOf(finding)
]

const ofCheck = (findings: ReadonlyArray<Finding>, told: Told): ReadonlyArray<Line> => {
  const [first] = findings
  if (first === undefined) return []
  // A fix that is the same for all is shown once.
  const together =
    findings.length > 1 && findings.every(({ advice, fix }) => fix === first.fix && advice === first.advice)
  return [
    headOf(first),
    ...(together
      ? [...findings.flatMap((each) => factsOf(each, told)), ...linesOf(first)]
      : findings.flatMap((each) => ofFinding(each, told))),
    ""
  ]
}

const ofRule = (rule: IgnoredFindings, told: Told): ReadonlyArray<Line> => [
  ["  ", { format: "bold", text: `${describeTarget(rule)}: ${rule.reason}` }],
  ...(rule.findings.length === 0
    ? ["    finds nothing now"]
    : rule.findings.map(({ message, severity }) => `    ${severity}: ${message}`)),
  `    ignored by: ${rule.by} on ${rule.host}, ${told(rule.at)}`,
  `    to undo it: ${unignoring(rule)}`
]

/** Shows the findings that are ignored, and why. */
const ofRules = (rules: ReadonlyArray<IgnoredFindings>, told: Told): ReadonlyArray<Line> =>
  rules.length === 0 ? [] : [{ format: "dim", text: "ignored" }, ...rules.flatMap((rule) => ofRule(rule, told)), ""]

/** What is not shown, and how to see it. */
const hiddenLine = (hidden: number, omitted: number, ignored: number): ReadonlyArray<Line> => {
  const parts = [
    ...(hidden === 0 ? [] : [`${counted(hidden, "info")} not shown`]),
    ...(omitted === 0 ? [] : [`${counted(omitted, "less severe finding")} not shown`]),
    ...(ignored === 0 ? [] : [`${counted(ignored, "finding")} ignored`])
  ]
  return parts.length === 0 ? [] : [`${parts.join(", ")}: d doctor --all`]
}

/** What the user wants to see. */
interface Wanted {
  /** The infos, instead of their number. */
  readonly infos: boolean
  /** What is ignored, instead of its number. */
  readonly ignored: boolean
  /** The fixes that were made, even if there were none. */
  readonly fixes: boolean
  /** The least severity that was asked for. */
  readonly least: Severity
}

/** Formats an examination. */
export const report = (examination: Examination, wanted: Wanted, style: Style): Printed => {
  const { failed, findings, ignored, looked, mended, omitted, ran, store } = examination
  const told = toldIn(style)
  const of = (severity: Severity) => findings.filter((finding) => finding.severity === severity)
  const groups = SEVERITIES.filter((severity) => wanted.infos || severity !== "info").flatMap((severity) =>
    [...new Set(of(severity).map(({ check }) => check))].flatMap((check) =>
      ofCheck(
        of(severity).filter((finding) => finding.check === check),
        told
      )
    )
  )
  const hidden = wanted.infos ? 0 : of("info").length
  const scope = [
    counted(ran.length, "check"),
    ...(looked.assignments === null ? [] : [counted(looked.assignments, "assignment")]),
    counted(looked.listeners, "listener")
  ].join(", ")
  const counts = SEVERITIES.filter((severity) => isAtLeast(severity, wanted.least))
    .map((severity) => counted(of(severity).length, severity))
    .join(", ")
  const well: Span = { format: "green", text: "all is well" }
  const isWell = findings.length === hidden && omitted === 0 && failed.length === 0
  const lines = printed(
    [
      ...(wanted.fixes && mended.length === 0 ? ["fixed: nothing"] : mended.map((line) => `fixed: ${line}`)),
      ...groups,
      ...(wanted.ignored ? ofRules(ignored, told) : []),
      ...(failed.length > 0 ? [`not checked: ${failed.join(", ")}`] : []),
      isWell ? [well, `: ${scope}, in ${store}`] : `${counts}; ${scope}, in ${store}`,
      ...hiddenLine(hidden, omitted, wanted.ignored ? 0 : ignored.reduce((sum, rule) => sum + rule.findings.length, 0))
    ],
    painter(style.colour)
  )
  return wrapped(lines, style.width)
}

const eventLine = (
  { at, detail, host, key, newPort, oldPort, program, user, what }: HistoryEvent,
  told: Told
): string => {
  const ports = [oldPort, newPort].filter((port) => port !== null)
  return [
    told(at),
    what,
    ...(key === null ? [] : [nameOf(key)]),
    ...(ports.length > 0 ? [[...new Set(ports)].join(" to ")] : []),
    ...(detail === null ? [] : [JSON.stringify(detail)]),
    `by ${user} on ${host} (${program})`
  ].join(" ")
}

const ofKey = (
  { claimed, description, health, key, owner, pinned }: Explanation["keys"][number],
  listeners: Explanation["listeners"],
  told: Told
) => {
  return [
    ["key", description === null ? nameOf(key) : `${nameOf(key)}: ${description}`],
    ["claimed", claimed === null ? "no claim" : `${told(claimed.at)} by ${claimed.by} on ${claimed.host}`],
    ...(owner === null ? [] : [["belongs to", [describeOwner(owner), sightText(owner, listeners, told)].join(", ")]]),
    ...(pinned ? [["pinned", "kept even if it is not used"]] : []),
    ["health", told(healthText(health))]
  ]
}

/** The width of the names before the rows of an explanation, with the gap after them. */
const LABEL = 12

/** Formats an explanation. */
export const explanationText = (explanation: Explanation, style: Style): Printed => {
  const { findings, history, ignored, inUse, keys, listeners, place, port, reserved } = explanation
  const told = toldIn(style)
  const many = (name: string, lines: ReadonlyArray<string>) => lines.map((line, at) => [at === 0 ? name : "", line])
  const rows = [
    ...keys.flatMap((each) => ofKey(each, listeners, told)),
    ["place", place],
    ...many(
      "reserved",
      reserved.map((each) => `${each.port}: ${each.reason}`)
    ),
    ...(port === null
      ? []
      : many(
          "listens",
          listeners.length === 0 ? [unlisted(inUse)] : listeners.map((each) => listenerText(each, told))
        )),
    ...many("ignored", ignoredTexts(ignored)),
    ...many("history", history.length === 0 ? ["none"] : history.map((each) => eventLine(each, told)))
  ]
  const paint = painter(style.colour)
  const facts = printed(
    [
      ["port".padEnd(LABEL), port === null ? "none" : { format: "cyan", text: String(port) }],
      ...rows.map(([name = "", text = ""]) => `${name.padEnd(LABEL)}${text}`)
    ],
    paint
  )
  const wrong = printed(["", ...findings.flatMap((each) => [headOf(each), ...ofFinding(each, told)])], paint)
  const { width } = style
  return joined([wrapped(facts, width, LABEL), ...(findings.length === 0 ? [] : [wrapped(wrong, width)])])
}
