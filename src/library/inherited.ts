import type { Environment } from "../domain/Environment.ts"
import { kindOf, parsePort } from "../domain/names.ts"
import type { Named } from "./options.ts"

/** Whether the key that `d run` gave is the one that is meant. Without a name and a mode, that is whatever key it gave. */
const isMeant = (given: string, { app, key, mode }: Named): boolean => {
  if (key !== undefined) return key === given && app === undefined && mode === undefined
  if (app !== undefined) return given === `${app}-${mode ?? "dev"}`
  return mode === undefined || mode === kindOf(given)
}

/**
 * Returns the port that `d run` gave this process, if it was started for the project `root` and the key that is meant. A
 * PORT that was inherited from another directory's run, or set by something else, is not believed.
 */
export const inheritedPort = (named: Named, root: string, environment: Environment): number | undefined => {
  const { D_DIR, D_KEY, D_PORT, PORT } = environment
  if (D_DIR !== root || D_KEY === undefined || PORT === undefined || PORT !== D_PORT) return undefined
  return isMeant(D_KEY, named) ? parsePort(PORT) : undefined
}
