import { stripVTControlCharacters, styleText } from "node:util"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { printed } from "../../src/text/printed.ts"
import { localTimes, span, wrapped } from "../../src/text/terminalText.ts"
import { widthOf } from "../../src/text/width.ts"

const wrap = (line: string, width: number, label?: number) => wrapped(printed([line]), width, label).split("\n")

describe("a line that is too long", () => {
  it("is wrapped between words, with its further lines indented", () => {
    expect(wrap("error: 17001 belongs to loom-dev and to pt-dev; mine was not set", 30)).toEqual([
      "error: 17001 belongs to",
      "  loom-dev and to pt-dev; mine",
      "  was not set"
    ])
    expect(wrap("    evidence: nothing listens there", 24)).toEqual(["    evidence: nothing", "      listens there"])
  })

  it("is wrapped beside its label, if all lines have one", () => {
    expect(wrap("place       one of the ports for specials", 30, 12)).toEqual([
      "place       one of the ports",
      "            for specials"
    ])
  })

  it("is not wrapped if the width is unknown, or fits", () => {
    const line = printed(["error: 17001 belongs to loom-dev; mine was not set"])
    expect(wrapped(line, undefined)).toBe(line)
    expect(wrapped(line, line.length)).toBe(line)
  })

  it("has a word broken only if it is longer than a line", () => {
    const path = `/opt/${"dev".repeat(20)}`
    const lines = wrap(`error: cannot read ${path} at all`, 40)
    expect(lines.every((line) => widthOf(line) <= 40)).toBe(true)
    expect(lines.map((line) => line.trim()).join("")).toContain(path)
  })

  it.each([
    ["日本語の説明はとても幅が広いので切られる", 20],
    ["🚆 🫠 🚆 🫠 🚆 🫠 🚆 🫠 🚆 🫠 🚆 🫠", 16],
    [`${"e\u0301".repeat(50)}`, 20]
  ])("is measured as a terminal shows it: %s", (text, width) => {
    const lines = wrap(`note: ${text}`, width)
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(width)
  })

  it("keeps its colours on each of its lines", () => {
    const bold = (text: string) => styleText("bold", text, { validateStream: false })
    const paint = (_: unknown, text: string) => bold(text)
    const line = printed([["  ", { format: "bold", text: "nothing answers on 17001 (loom-dev)" }]], paint)
    expect(wrapped(line, 24).split("\n")).toEqual([
      `  ${bold("nothing answers on")}`,
      `    ${bold("17001 (loom-dev)")}`
    ])
  })
})

/** Sentences as d prints them, each with a command in it. */
const COMMANDS: ReadonlyArray<readonly [line: string, command: string]> = [
  ["hint: d reserve --port 3128 --reason TEXT", "d reserve --port 3128 --reason TEXT"],
  [
    "hint: choose another port, or d deletePort --key cad-dev && d deletePort --key pt, or repeat with --force",
    "d deletePort --key cad-dev && d deletePort --key pt,"
  ],
  ["hint: try again, or choose one: d setPort --key KEY --value PORT", "d setPort --key KEY --value PORT"],
  ["hint: name a file that you can write to: d backup FILE", "d backup FILE"],
  ["hint: d listPorts --health stale lists what may be released", "d listPorts --health stale"],
  ["hint: sudo ss -ltnp 'sport = :3001' shows the process", "sudo ss -ltnp 'sport = :3001'"],
  ["hint: to see which: fuser -v '/home/me/my ports.sqlite'", "fuser -v '/home/me/my ports.sqlite'"],
  ["hint: to see what it does: ps -fp 4711", "ps -fp 4711"],
  ["hint: check: ls -li /home/me/ports.sqlite*", "ls -li /home/me/ports.sqlite*"],
  ["hint: check the limits of this shell: ulimit -n", "ulimit -n"],
  [
    "hint: ask it: SHOW STATUS LIKE 'wsrep_cluster_status'; or name another",
    "SHOW STATUS LIKE 'wsrep_cluster_status';"
  ],
  ["hint: mariadb-dump --user=me ports settings > ports.sql", "mariadb-dump --user=me ports settings > ports.sql"],
  ['    note: if it is another user\'s: sudo chown "$USER" /srv/d', 'sudo chown "$USER" /srv/d'],
  ["    note: or stop it: systemctl --user restart ports.service", "systemctl --user restart ports.service"],
  ["    note: start it; or release it: d release --special pt-proxy", "d release --special pt-proxy"],
  [
    "    fix: kill -9 4711; while kill -0 4711 2>/dev/null; do sleep 1; done; d daemon start",
    "kill -9 4711; while kill -0 4711 2>/dev/null; do sleep 1; done; d daemon start"
  ],
  ["hint: to start the one that is there now: d daemon start", "d daemon start"],
  ["note: d-ports.service runs it: d service status shows more", "d service status"]
]

describe("a command", () => {
  it.each(COMMANDS)("is never broken: %s", (line, command) => {
    for (let width = 16; width < line.length; width++) {
      const lines = wrap(line, width)
      expect(lines.some((each) => each.includes(command))).toBe(true)
      // What is wider than the terminal is a command, alone on its line.
      for (const each of lines) if (widthOf(each) > width) expect(each.trim()).toBe(command)
    }
    const words = (text: string) => text.split(/\s+/).join(" ")
    expect(words(wrap(line, 20).join("\n"))).toBe(words(line))
  })

  it("keeps its characters, as a path must", () => {
    const command = "cd '/home/me/cafe\u0301 au lait'"
    expect(wrap(`    fix: ${command}`, 20)).toEqual(["    fix:", `      ${command}`])
  })
})

describe("times", () => {
  const now = new Date(2026, 10, 26, 14, 5, 0)
  const told = (seconds: number) =>
    localTimes(`last up ${new Date(now.getTime() - seconds * 1000).toISOString()}, so`, now)

  it("are local, and say how long ago they were", () => {
    expect(told(0)).toBe("last up 14:05 (0 s ago), so")
    expect(told(90)).toBe("last up 14:03 (1 min ago), so")
    expect(told(5 * 3600)).toBe("last up 09:05 (5 h ago), so")
    expect(told(26 * 3600)).toBe("last up 2026-11-25 12:05 (1 day ago), so")
    expect(told(-90)).toBe("last up 14:06, so")
  })

  it("are replaced only as words of their own", () => {
    for (const text of ["/backup/2026-11-26T10:00:00.000Z", '"2026-11-26T10:00:00.000Z"', "2026-11-26T10:00:00Z"])
      expect(localTimes(text, now)).toBe(text)
  })

  it("have spans in their largest unit", () => {
    expect([0, 59, 60, 7199, 86_400, 200_000].map(span)).toEqual(["0 s", "59 s", "1 min", "1 h", "1 day", "2 days"])
  })
})

it("leaves the text without colours as it was", () => {
  const line = "note: skipped 3010: node, pid 4711, in /opt/dev/x; 3012: node, pid 4712, in /opt/dev/y"
  expect(stripVTControlCharacters(wrap(line, 30).join(" ").replaceAll(/ +/g, " "))).toBe(line)
})

/** Words that sentences and commands are made of, in any order. */
const PIECES = fc.constantFrom(
  ...["d listPorts", "(d", "d", "doctor", "lists,", "--app", "--key=x", "'a", "b'", '"c', "&&", "kill 4711;", "fix:"],
  ...[
    "hint:",
    "/opt/dev/cad",
    "SHOW",
    "STATUS",
    "sudo",
    "ss",
    "-ltnp",
    "日本語",
    "🚆",
    "e\u0301",
    "\u001b[2J",
    "x".repeat(40),
    ""
  ]
)

it("loses and adds nothing but white space, whatever the sentence", () => {
  const sentence = fc.array(PIECES, { maxLength: 25 }).map((pieces) => pieces.join(" "))
  const bare = (text: string) => text.replaceAll(/\s/g, "").normalize()
  fc.assert(
    fc.property(sentence, fc.integer({ min: 40, max: 90 }), fc.constantFrom(0, 4), (text, width, indent) => {
      const line = printed([" ".repeat(indent) + text])
      const lines = wrapped(line, width).split("\n")
      expect(bare(lines.join(""))).toBe(bare(line))
      // Only a command is wider than the terminal, and it is as it was.
      for (const each of lines) if (widthOf(each) > width) expect(line).toContain(each.trim())
    }),
    { numRuns: 3000 }
  )
})
