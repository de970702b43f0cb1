import * as Effect from "effect/Effect"
import { Invalid, MissingArgument } from "../domain/errors.ts"
import type { IgnoredTarget } from "../domain/Ignored.ts"
import type { Payload } from "./requestSchemas.ts"

type Asked = Pick<Payload<"doctor">, "ignore" | "key" | "port" | "reason" | "unignore">

/** What `doctor` is to ignore, or no longer to ignore. */
interface Rules {
  readonly ignore: { readonly target: IgnoredTarget; readonly reason: string } | undefined
  readonly unignore: IgnoredTarget | undefined
}

const command = "doctor"

const wrong = (argument: string, problem: string) => Effect.fail(new Invalid({ command, argument, problem }))

/** Refuses the options that belong to a rule if none is given: they would silently do nothing. */
const noRule = ({ key, port, reason }: Asked): Effect.Effect<Rules, Invalid> => {
  const place = "goes with ignore or unignore"
  if (key !== undefined) return wrong("key", `${place}; d explain --key ${key} shows what is found about it`)
  if (port !== undefined) return wrong("port", `${place}; d explain --port ${port} shows what is found about it`)
  return reason === undefined ? Effect.succeed({ ignore: undefined, unignore: undefined }) : wrong("reason", place)
}

/** Returns the rule that the arguments of `doctor` are about. */
export const askedRules = (asked: Asked): Effect.Effect<Rules, Invalid | MissingArgument> => {
  const { ignore, key, port, reason, unignore } = asked
  const about = { key: key ?? null, port: port ?? null }
  if (ignore !== undefined) {
    if (unignore !== undefined) return wrong("unignore", "does not go with ignore: give one")
    if (reason === undefined) return Effect.fail(new MissingArgument({ command, argument: "reason" }))
    return Effect.succeed({ ignore: { target: { check: ignore, ...about }, reason }, unignore: undefined })
  }
  if (unignore === undefined) return noRule(asked)
  if (reason !== undefined) return wrong("reason", "does not go with unignore: leave it out")
  return Effect.succeed({ ignore: undefined, unignore: { check: unignore, ...about } })
}
