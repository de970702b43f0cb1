import * as Either from "effect/Either"
import { Ambiguous, type NamingCommand, NothingNamed } from "../domain/errors.ts"
import { kindOf } from "../domain/names.ts"
import type { AppName, PortKey } from "../domain/PortKey.ts"
import type { RegistryState } from "../domain/RegistryState.ts"

/** What a command is about: a key, an app with both of its keys, or whichever of them has this name. */
export type Named = { readonly key: PortKey } | { readonly app: AppName } | { readonly name: PortKey }

/** The keys that are meant, all of which have a row. */
export interface Target {
  readonly kind: "key" | "app"
  readonly name: string
  readonly keys: ReadonlyArray<string>
}

/** Returns the keys that an app or a special has. */
export const heldBy = (
  { rows }: Pick<RegistryState, "rows">,
  kind: "app" | "special",
  name: string
): ReadonlyArray<string> => (kind === "app" ? [`${name}-prod`, `${name}-dev`] : [name]).filter((key) => rows.has(key))

/** Finds the keys that `named` means. A name that both a key and an app have is refused. */
export const findNamed = (
  command: NamingCommand,
  named: Named,
  state: RegistryState
): Either.Either<Target, Ambiguous | NothingNamed> => {
  const name = "key" in named ? named.key : "app" in named ? named.app : named.name
  const mayBeApp = kindOf(name) === "special"
  const asked = "app" in named ? "app" : "key" in named || !mayBeApp ? "key" : undefined
  const isKey = state.rows.has(name)
  const halves = mayBeApp ? heldBy(state, "app", name) : []
  const isApp = halves.length > 0
  if (asked === undefined && isKey && isApp) return Either.left(new Ambiguous({ command, name, halves }))
  if (isKey && asked !== "app") return Either.right({ kind: "key", name, keys: [name] })
  if (isApp && asked !== "key") return Either.right({ kind: "app", name, keys: halves })
  return Either.left(new NothingNamed({ command, name, asked, isOther: isKey || isApp }))
}
