import { commandList, fieldOf, findCommand } from "../../src/commands/commands.ts"

/** What nobody should send, made from a seed: the same seed makes the same again. */

/** Numbers from 0 to 1 (mulberry32). */
export const randomFrom = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export type Random = () => number

export const upTo = (random: Random, limit: number): number => Math.floor(random() * limit)
export const oneOf = <A>(random: Random, all: ReadonlyArray<A>): A => all[upTo(random, all.length)] as A

const SQL = [
  "'; DROP TABLE settings; --",
  "x' OR '1'='1",
  '"); DELETE FROM port_claims; --',
  "\\'; SELECT SLEEP(20); -- ",
  "a%' UNION SELECT setting_value FROM settings WHERE '%'='",
  "1; SHUTDOWN",
  "?",
  ":name"
]

/** Texts of every awkward kind; some of them are good keys, apps, descriptions or directories. */
const TEXTS: ReadonlyArray<string> = [
  ...SQL,
  "",
  " ",
  "a",
  "A",
  "a-prod",
  "a-dev",
  "-prod",
  "b.c_d",
  "toString",
  "constructor",
  "__proto__",
  "hasOwnProperty",
  "null",
  "undefined",
  "NaN",
  "-",
  "--",
  "--help",
  "--help\u001b[31m\n",
  "-h",
  "--json",
  "--force",
  "--key",
  "--wizard",
  "--completions",
  "prod",
  "dev",
  "up",
  "30500",
  "030500",
  "65536",
  "99999999999999999999",
  "3e4",
  "0x7724",
  "/",
  "/opt/x",
  "../../etc/passwd",
  "a\u0000b",
  "\u0000",
  "two\nlines",
  "\r",
  "\u001b[2J\u001b]0;title\u0007",
  "\u009b31m",
  "\u2028",
  "\u202egnp.exe",
  "\ufeff",
  "\ufffd",
  "\ud800",
  "\udfff\ud800",
  "🚀",
  "ä",
  "a\u0308",
  "k".repeat(250),
  "k".repeat(251),
  "d".repeat(500),
  "d".repeat(501),
  "ß".repeat(500),
  "🚀".repeat(250),
  `/${"x".repeat(4095)}`,
  `/${"x".repeat(4096)}`
]

export const text = (random: Random): string =>
  random() < 0.9
    ? oneOf(random, TEXTS)
    : Array.from({ length: upTo(random, 40) }, () => String.fromCharCode(upTo(random, 65_536))).join("")

const nested = (open: string, inside: string, close: string, depth: number) =>
  open.repeat(depth) + inside + close.repeat(depth)

/** A value as it stands in JSON, whatever its type; some are no JSON at all. */
const value = (random: Random): string => {
  const kind = random()
  if (kind < 0.5) return JSON.stringify(text(random))
  if (kind < 0.62)
    return oneOf(random, [
      "0",
      "-0",
      "1",
      "30501",
      "31001",
      "65535",
      "65536",
      "-1",
      "1.5",
      "3e4",
      "1e21",
      "1e999",
      "-1e999"
    ])
  if (kind < 0.72) return oneOf(random, ["true", "false", "null", "{}", "[]", "[null]", "[[]]", '{"length":3}'])
  if (kind < 0.84) return `[${Array.from({ length: upTo(random, 5) }, () => JSON.stringify(text(random))).join()}]`
  if (kind < 0.9)
    return oneOf(random, [
      '{"__proto__":{"key":"a"}}',
      '{"toString":1}',
      '{"then":1}',
      '{"constructor":{"prototype":1}}'
    ])
  if (kind < 0.93) return nested("[", "", "]", 1 + upTo(random, 20_000))
  if (kind < 0.96) return nested('{"a":', "1", "}", 1 + upTo(random, 8000))
  if (kind < 0.97) return "9".repeat(1 + upTo(random, 30_000))
  return oneOf(random, [
    "undefined",
    "NaN",
    "Infinity",
    "0x10",
    "01",
    "'a'",
    "+1",
    ".5",
    "\u0000",
    '"\\x"',
    '"\\u12"',
    "nul",
    "[1,]"
  ])
}

const COMMANDS = commandList.map(({ name }) => name).filter((name) => name !== "daemon")
const FIELDS = [...new Set(commandList.flatMap(({ options }) => options.map(({ name }) => fieldOf(name))))]
const RARE_FIELDS = ["until", "config", "id", "tty", "__proto__", "constructor", "toString", "hasOwnProperty", ""]

/** Values that are right for a field, so that enough of it gets past the first check. */
const GOOD: Readonly<Record<string, ReadonlyArray<string>>> = {
  key: ['"a"', '"a-prod"', '"b-dev"', '"s.1"'],
  to: ['"c"', '"b-prod"', '"s.2"'],
  app: ['"a"', '["a","b"]', "[]"],
  special: ['"s.1"', '["s.1","s.2"]'],
  value: ["30500", '"30501"', "31000", "65535"],
  port: ["30500", '"31001"', "1"],
  mode: ['"prod"', '"dev"'],
  health: ['"up"', '"unknown"'],
  force: ["true"],
  dryRun: ["true"]
}

/** Fields that take almost any text, so that what they must not take has to be looked for often. */
const FREE = ["description", "reason", "dir"]

const request = (random: Random): string => {
  const name = oneOf(random, COMMANDS)
  const own = findCommand(name)?.options.filter(() => random() < 0.7) ?? []
  const names = own.map((option) => fieldOf(option.name))
  if (random() < 0.3) names.push(oneOf(random, random() < 0.5 ? FIELDS : RARE_FIELDS))
  const fields = names.map((field) => {
    const good = GOOD[field]
    if (good !== undefined && random() < 0.7) return `${JSON.stringify(field)}:${oneOf(random, good)}`
    return `${JSON.stringify(field)}:${FREE.includes(field) ? JSON.stringify(text(random)) : value(random)}`
  })
  const format = random() < 0.7 ? ['"format":"json"'] : random() < 0.1 ? [`"format":${value(random)}`] : []
  const parts = [`"command":${random() < 0.95 ? JSON.stringify(name) : value(random)}`, ...fields, ...format]
  return `{${(random() < 0.1 ? parts.reverse() : parts).join()}}`
}

const bytes = (random: Random): Buffer =>
  Buffer.from(Array.from({ length: 1 + upTo(random, 200) }, () => upTo(random, 256)))

const LINE_MAX = 65_536

/** One line for the daemon, without its end, and never one that it may skip as empty. */
export const frame = (random: Random): Buffer => {
  const kind = random()
  let line: Buffer
  if (kind < 0.05) line = bytes(random)
  else if (kind < 0.08) line = Buffer.from(value(random))
  else if (kind < 0.082) line = Buffer.alloc(LINE_MAX + upTo(random, 3), "[")
  else {
    line = Buffer.from(request(random))
    const damage = random()
    if (damage < 0.05) line = line.subarray(0, 1 + upTo(random, line.length))
    else if (damage < 0.1) {
      for (let count = 1 + upTo(random, 4); count > 0; count--) line[upTo(random, line.length)] = upTo(random, 256)
    } else if (damage < 0.13) line = Buffer.concat([line, bytes(random)])
  }
  const whole = Buffer.from(line.map((byte) => (byte === 10 ? 32 : byte)))
  return whole.toString("utf8").trim() === "" ? Buffer.from("x") : whole
}

const OPTIONS = [...FIELDS.filter((name) => name !== "dryRun"), "dry-run", "help", "tty"]
const SWITCHES = ["force", "dry-run", "json"]

/** Words for the command line; those with a NUL cannot be. */
export const words = (random: Random): ReadonlyArray<string> => {
  const word = () => text(random).replaceAll("\u0000", "")
  const all = random() < 0.1 ? [] : [random() < 0.9 ? oneOf(random, COMMANDS) : word()]
  if (random() < 0.1) all.unshift("send")
  for (let count = upTo(random, 5); count > 0; count--) {
    const kind = random()
    const name = oneOf(random, OPTIONS)
    const good = GOOD[name]
    const given =
      good !== undefined && random() < 0.5 ? String([JSON.parse(oneOf(random, good))].flat()[0] ?? "") : word()
    if (kind < 0.1) all.push(word())
    else if (SWITCHES.includes(name)) all.push(`--${name}`)
    else if (kind < 0.6) all.push(`--${name}`, given)
    else if (kind < 0.95) all.push(`--${name}=${given}`)
    else all.push(`--${name}`)
  }
  return all
}
