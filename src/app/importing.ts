import * as Effect from "effect/Effect"
import type { Results } from "../commands/Results.ts"
import type { CommandResult } from "../domain/CommandResult.ts"
import { type IncomingRegistry, NOTHING_IMPORTED } from "../domain/Exchange.ts"
import { Invalid, MissingArgument } from "../domain/errors.ts"
import { placeText, readDocument, WrongDocument } from "../exchange/document.ts"
import { Registry } from "../registry/Registry.ts"
import type { Payload } from "./requestSchemas.ts"

const command = "import"

/** Reads the document of a request. */
const incomingFrom = (text: string): IncomingRegistry | Invalid => {
  try {
    return readDocument(JSON.parse(text))
  } catch (error) {
    const problem =
      error instanceof WrongDocument ? `${placeText(error.place)} ${error.problem}` : "is not a JSON document"
    return new Invalid({ command, argument: "document", problem })
  }
}

/** Adds the document of a request to the registry, or finds what could be added. */
export const runImport = ({
  document,
  dryRun,
  onConflict,
  range,
  scan
}: Payload<"import">): Effect.Effect<
  CommandResult<Results["import"]>,
  Effect.Effect.Error<ReturnType<(typeof Registry.Service)["importAll" | "scan"]>> | Invalid | MissingArgument,
  Registry
> =>
  Effect.gen(function* () {
    const registry = yield* Registry
    if (scan) {
      const { notes, result: found } = yield* registry.scan(range)
      return { result: { dryRun, onConflict, ...NOTHING_IMPORTED, found }, notes }
    }
    if (range !== undefined) return yield* new Invalid({ command, argument: "range", problem: "goes with scan" })
    if (document === undefined) return yield* new MissingArgument({ command, argument: "document" })
    const incoming = incomingFrom(document)
    if (incoming instanceof Invalid) return yield* incoming
    const { notes, result } = yield* registry.importAll({ incoming, onConflict, dryRun })
    return { result: { ...result, found: null }, notes }
  })
