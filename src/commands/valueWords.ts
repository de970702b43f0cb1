import { AGENT_NAMES } from "../domain/Agents.ts"
import { ON_CONFLICT } from "../domain/Exchange.ts"
import { CHECK_NAMES, SEVERITIES } from "../domain/Finding.ts"
import { HEALTH_STATES } from "../domain/Health.ts"
import { MODES } from "../domain/names.ts"
import { PROXIES } from "../domain/Proxy.ts"
import type { ValueType } from "./CommandSpec.ts"
import { EXPORT_FORMATS, IMPORT_FORMATS } from "./exchange.ts"
import { ENV_FORMATS } from "./run.ts"
import { SHELLS } from "./shell.ts"

const WORDS: Readonly<Partial<Record<ValueType, ReadonlyArray<string>>>> = {
  agent: AGENT_NAMES,
  check: CHECK_NAMES,
  conflict: ON_CONFLICT,
  "env-format": ENV_FORMATS,
  "export-format": EXPORT_FORMATS,
  health: HEALTH_STATES,
  "import-format": IMPORT_FORMATS,
  mode: MODES,
  proxy: PROXIES,
  severity: SEVERITIES,
  shell: SHELLS
}

/** Returns the values of a type that has no others. */
export const wordsOf = (type: ValueType | undefined): ReadonlyArray<string> | undefined => type && WORDS[type]
