import { appOf, keyProblem, kindOf, parsePort } from "../domain/names.ts"

/** The next command if a key, an app or a port was given in the place of another. */

/** Whoever asks for an app by its name means one of its keys. */
export const keysOfApp = (key: string): string =>
  kindOf(key) === "special" ? `if ${key} is an app, its keys are ${key}-prod and ${key}-dev; ` : ""

/** Whoever asks for a number as a key means the port. */
export const numberAsKey = (key: string): string | undefined =>
  parsePort(key) === undefined ? undefined : `${key} is a port: d explain ${key} shows who has it`

const BY_COMMAND: Readonly<Record<string, (key: string, app: string | null) => string>> = {
  allocate: (_, app) => `d allocate --app ${app}`,
  describe: (key) => `d describe --key ${key} --description TEXT`,
  getPort: (key) => `d getPort --key ${key}`,
  listPorts: (_, app) => `d listPorts --app ${app}`,
  release: (key, app) => `d deletePort --key ${key} removes only this one, d release --app ${app} both`,
  rename: (key) => `d rename --key ${key} --to NEW`
}

/** The command to type if half of a pair was given as an app or a special. */
export const hintForKey = (command: string, argument: string, value = ""): string | undefined =>
  ["app", "special"].includes(argument) && keyProblem(value) === undefined && kindOf(value) !== "special"
    ? BY_COMMAND[command]?.(value, appOf(value))
    : undefined
