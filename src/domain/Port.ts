import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { PORT_MAX, parsePort, portProblem } from "./names.ts"
import { formatPortOrRange, parsePortList, parsePortOrRange } from "./portList.ts"

/** A TCP port, 1 to 65535. */
export const Port = Schema.Int.pipe(Schema.between(1, PORT_MAX), Schema.brand("Port"))
export type Port = typeof Port.Type

/** Returns what callers write as text or as a number; "" for anything else. */
const written = (input: unknown): string =>
  typeof input === "string" || typeof input === "number" ? String(input) : ""

/** A port as callers may write it: a string of decimal digits, or a number. */
export const PortInput = Schema.transformOrFail(Schema.Unknown, Port, {
  strict: true,
  decode: (input, _, ast) => {
    const text = written(input)
    const port = parsePort(text)
    return port === undefined
      ? ParseResult.fail(new ParseResult.Type(ast, input, portProblem(text)))
      : ParseResult.succeed(port)
  },
  encode: (port) => ParseResult.succeed(port)
})

/** Ports as callers may write them: one as above, or text such as `3128,3200-3210`. */
export const PortListInput = Schema.transformOrFail(
  Schema.Unknown,
  Schema.Array(Schema.Struct({ first: Port, last: Port })),
  {
    strict: true,
    decode: (input, _, ast) => {
      const ranges = parsePortList(written(input))
      return typeof ranges === "string"
        ? ParseResult.fail(new ParseResult.Type(ast, input, ranges))
        : ParseResult.succeed(ranges.map(({ first, last }) => ({ first: Port.make(first), last: Port.make(last) })))
    },
    encode: (ranges) => ParseResult.succeed(ranges)
  }
)

/** A range of ports as callers may write it, or a single port as above. */
export const PortRangeInput = Schema.transformOrFail(Schema.Unknown, Schema.Struct({ first: Port, last: Port }), {
  strict: true,
  decode: (input, _, ast) => {
    const range = parsePortOrRange(written(input))
    return range === undefined
      ? ParseResult.fail(new ParseResult.Type(ast, input, "is not a range of ports: write 3000-3999"))
      : ParseResult.succeed({ first: Port.make(range.first), last: Port.make(range.last) })
  },
  encode: (range) => ParseResult.succeed(formatPortOrRange(range))
})
