import type { Results } from "../commands/Results.ts"
import { appOf } from "../domain/names.ts"
import { makeResolver, must, portVariables, readEnv, type SiblingMeans } from "../run/siblings.ts"
import type { Variables } from "./formats.ts"

/** Makes a name for a variable: `CAD_FIX_UI` for `cad.fix-ui`. */
export const shellName = (name: string): string =>
  name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, "_")
    .replace(/^(?=\d)/, "_")

/** Returns the name of the port of a key: `CAD_DEV_PORT` for `cad-dev`. */
export const portName = (key: string): string => `${shellName(key)}_PORT`

/** Returns the names of the ports of the app, or of the key that is no app's. */
const portNames = (key: string): ReadonlyArray<readonly [name: string, key: string]> => {
  const app = appOf(key)
  const keys = app === null ? [key] : [`${app}-prod`, `${app}-dev`]
  return keys.map((each) => [portName(each), each])
}

/** The variables of docker compose that `d env` sets itself. */
export const COMPOSE_PROJECT_NAME = "COMPOSE_PROJECT_NAME"

/**
 * Returns the variables of a key in `directory`. An app's other half is left out if it has no port. `entries` are the values
 * of `--env`.
 */
export const variablesOf = async (
  held: Pick<Results["claim"], "key" | "port">,
  directory: string,
  entries: ReadonlyArray<string>,
  means: SiblingMeans
): Promise<Variables> => {
  const ports: Record<string, string> = {}
  for (const [name, key] of portNames(held.key)) {
    if (key === held.key) ports[name] = String(held.port)
    else {
      const answer = await means.ask("getPort", { key })
      if (answer.ok) ports[name] = String(answer.result.port)
      else if (answer.error.code !== "not-set") await must(answer, means)
    }
  }
  const { PORT, ...provenance } = portVariables(held, directory)
  const own = { PORT, ...ports, ...provenance }
  const resolve = makeResolver(means)
  const names = [...Object.keys(own), ...portNames(held.key).map(([name]) => name), COMPOSE_PROJECT_NAME]
  const siblings: Record<string, string> = {}
  for (const entry of entries.map((each) => readEnv(each, "env", names)))
    siblings[entry.name] = await resolve(entry, appOf(held.key))
  return { ...own, ...siblings }
}
