import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { PORT_MAX, parsePort } from "./names.ts"

/** A TCP port, 1 to 65535. */
export const Port = Schema.Int.pipe(Schema.between(1, PORT_MAX), Schema.brand("Port"))
export type Port = typeof Port.Type

/** A port as callers may write it: a string of decimal digits, or a number. */
export const PortInput = Schema.transformOrFail(Schema.Unknown, Port, {
  strict: true,
  decode: (input, _, ast) => {
    const port = typeof input === "string" || typeof input === "number" ? parsePort(String(input)) : undefined
    return port === undefined
      ? ParseResult.fail(
          new ParseResult.Type(ast, input, `is not a port: write a whole number from 1 to ${PORT_MAX}, digits alone`)
        )
      : ParseResult.succeed(port)
  },
  encode: (port) => ParseResult.succeed(port)
})
