import type { Explanation } from "../domain/Explanation.ts"
import { type Examination, type Finding, type Fix, SEVERITIES, type Severity } from "../domain/Finding.ts"
import type { HistoryEvent } from "../domain/HistoryEvent.ts"
import { describeOwner } from "../domain/Owner.ts"
import { nameOf } from "./describe.ts"
import { type Line, type Printed, printed, type Span } from "./printed.ts"
import type { Style } from "./terminalStyle.ts"
import { painter } from "./terminalStyle.ts"

/** What the doctor says, for people: grouped, the worst first, three lines a finding, counts at the end. */

const COLOURS = { error: "red", warning: "yellow", info: "cyan" } as const

/** Of many infos of one kind so many are shown whole. */
const INFOS_SHOWN = 3

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

const headOf = ({ check, severity }: Finding): Line => [{ format: COLOURS[severity], text: severity }, `  ${check}`]

const messageOf = ({ message }: Finding): Line => ["  ", { format: "bold", text: message }]

const linesOf = ({ advice, remedy }: Fix): ReadonlyArray<Line> => [
  ...(remedy === null ? [] : [`    mend: ${remedy}`]),
  ...(advice === null ? [] : [`    note: ${advice}`])
]

const ofFinding = (finding: Finding): ReadonlyArray<Line> => [
  messageOf(finding),
  `    seen: ${finding.evidence}`,
  ...linesOf(finding)
]

const ofCheck = (severity: Severity, findings: ReadonlyArray<Finding>): ReadonlyArray<Line> => {
  const [first] = findings
  if (first === undefined) return []
  const shown = severity === "info" && findings.length > INFOS_SHOWN + 1 ? findings.slice(0, INFOS_SHOWN) : findings
  const rest = findings.slice(shown.length)
  const whose = ({ keys, ports }: Finding) => (keys.length > 0 ? keys.map(nameOf) : ports).join(", ")
  // One remedy for all is said once.
  const together =
    findings.length > 1 && findings.every(({ advice, remedy }) => remedy === first.remedy && advice === first.advice)
  return [
    headOf(first),
    ...(together ? [...findings.map(messageOf), ...linesOf(first)] : shown.flatMap(ofFinding)),
    ...(rest.length > 0 && !together ? [`  and the same of ${rest.map(whose).join(", ")}`] : []),
    ""
  ]
}

/** The text of an examination. */
export const report = (examination: Examination, style: Style): Printed => {
  const { failed, findings, looked, mended, ran, store } = examination
  const of = (severity: Severity) => findings.filter((finding) => finding.severity === severity)
  const groups = SEVERITIES.flatMap((severity) =>
    [...new Set(of(severity).map(({ check }) => check))].flatMap((check) =>
      ofCheck(
        severity,
        of(severity).filter((finding) => finding.check === check)
      )
    )
  )
  const scope = [
    counted(ran.length, "check"),
    ...(looked.assignments === null ? [] : [counted(looked.assignments, "assignment")]),
    counted(looked.listeners, "listener")
  ].join(", ")
  const counts = SEVERITIES.map((severity) => counted(of(severity).length, severity)).join(", ")
  const well: Span = { format: "green", text: "all is well" }
  return printed(
    [
      ...mended.map((line) => `mended: ${line}`),
      ...groups,
      ...(failed.length > 0 ? [`not checked: ${failed.join(", ")}`] : []),
      findings.length === 0 && failed.length === 0
        ? [well, `: ${scope}, in ${store}`]
        : `${counts}; ${scope}, in ${store}`
    ],
    painter(style.colour)
  )
}

const eventLine = ({ at, detail, host, key, newPort, oldPort, program, user, what }: HistoryEvent): string => {
  const ports = [oldPort, newPort].filter((port) => port !== null)
  return [
    at,
    what,
    ...(key === null ? [] : [nameOf(key)]),
    ...(ports.length > 0 ? [[...new Set(ports)].join(" to ")] : []),
    ...(detail === null ? [] : [JSON.stringify(detail)]),
    `by ${user} on ${host} (${program})`
  ].join(" ")
}

const ofKey = ({ claimed, description, health, key, owner }: Explanation["keys"][number]) => {
  const seen = health.lastUp === null ? "never seen up here" : `last up ${health.lastUp}`
  return [
    ["key", description === null ? nameOf(key) : `${nameOf(key)}: ${description}`],
    ["claimed", claimed === null ? "no claim" : `${claimed.at} by ${claimed.by} on ${claimed.host}`],
    ...(owner === null
      ? []
      : [
          [
            "belongs to",
            `${describeOwner(owner)}, ${owner.seen === null ? "not seen there yet" : `last seen there ${owner.seen}`}`
          ]
        ]),
    [
      "health",
      health.state === "unknown" ? "unknown: nobody has looked" : `${health.state} since ${health.since}, ${seen}`
    ]
  ]
}

const ofListener = (listener: Explanation["listeners"][number]): string => {
  const { address, command, container, directory, pid, since, unit, user } = listener
  return [
    address,
    ...(pid === null ? ["a process that this user may not see"] : [`${command ?? "a process"}, pid ${pid}`]),
    `of ${user}`,
    ...(directory === null ? [] : [`in ${directory}`]),
    ...(unit === null ? [] : [unit]),
    ...(container === null ? [] : [`container ${container}`]),
    ...(since === null ? [] : [`since ${since}`])
  ].join(", ")
}

/** The text of an explanation. */
export const explanationText = (explanation: Explanation, style: Style): Printed => {
  const { findings, history, keys, listeners, place, port, reserved } = explanation
  const many = (name: string, lines: ReadonlyArray<string>) => lines.map((line, at) => [at === 0 ? name : "", line])
  const rows = [
    ...keys.flatMap(ofKey),
    ["place", place],
    ...many(
      "reserved",
      reserved.map((each) => `${each.port}: ${each.reason}`)
    ),
    ...(port === null ? [] : many("listens", listeners.length === 0 ? ["nothing"] : listeners.map(ofListener))),
    ...many("history", history.length === 0 ? ["none"] : history.map(eventLine))
  ]
  return printed(
    [
      [`${"port".padEnd(10)}  `, port === null ? "none" : { format: "cyan", text: String(port) }],
      ...rows.map(([name = "", text = ""]) => `${name.padEnd(10)}  ${text}`),
      ...(findings.length === 0 ? [] : ["", ...findings.flatMap((finding) => [headOf(finding), ...ofFinding(finding)])])
    ],
    painter(style.colour)
  )
}
