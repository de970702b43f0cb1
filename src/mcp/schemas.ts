import { CHECK_NAMES, SEVERITIES } from "../domain/Finding.ts"
import { HEALTH_STATES } from "../domain/Health.ts"
import { VERDICTS } from "../domain/PortCheck.ts"
import type { ObjectSchema } from "./Tool.ts"

/** The schemas of arguments and results. What a result contains beyond them is in docs/commands.md. */

export const text = (description: string) => ({ type: "string", description })
export const flag = (description: string) => ({ type: "boolean", description })
const orNull = (type: string) => ({ type: [type, "null"] })
const port = { type: "integer", minimum: 1, maximum: 65535 }

export const count = (description: string) => ({ type: "integer", minimum: 1, description })

/** An argument that is a port. */
export const portNamed = (description: string) => ({ ...port, description })

export const CWD = text("the absolute path of the directory that you work in")
export const MODE = { type: "string", enum: ["prod", "dev"], description: "the app's prod or dev port; default dev" }

/** Arguments, of which none but `required` must be given. */
export const argumentsOf = (
  properties: ObjectSchema["properties"],
  required: ReadonlyArray<string> = []
): ObjectSchema => ({ type: "object", properties, required, additionalProperties: false })

/** A result, all of whose properties are always there. */
const resultOf = (properties: ObjectSchema["properties"]): ObjectSchema => ({
  type: "object",
  properties,
  required: Object.keys(properties)
})

const list = (items: object) => ({ type: "array", items })
const advice = text("what to do next")
const key = { type: "string" }

const listener = resultOf({
  address: { type: "string" },
  user: { type: "string" },
  pid: orNull("integer"),
  command: orNull("string"),
  directory: orNull("string"),
  unit: orNull("string"),
  container: orNull("string")
})

const finding = resultOf({
  check: { enum: CHECK_NAMES },
  severity: { enum: SEVERITIES },
  keys: list(key),
  ports: list(port),
  message: { type: "string" },
  evidence: { type: "string" },
  fix: orNull("string"),
  advice: orNull("string")
})

const health = {
  type: "object",
  properties: { state: { enum: HEALTH_STATES } },
  required: ["state"]
}

export const RESULTS = {
  allocate: resultOf({
    key,
    port,
    app: orNull("string"),
    url: { type: "string" },
    created: { type: "boolean" },
    inUse: orNull("boolean"),
    advice
  }),
  get: resultOf({ key, port, url: { type: "string" } }),
  list: resultOf({
    ports: list(
      resultOf({
        key,
        port,
        kind: { type: "string" },
        app: orNull("string"),
        description: orNull("string"),
        host: orNull("string"),
        health
      })
    )
  }),
  explain: resultOf({
    port: { ...port, type: ["integer", "null"] },
    keys: list({ type: "object", properties: { key, health }, required: ["key", "health"] }),
    place: { type: "string" },
    allocatable: { type: "boolean" },
    listeners: list(listener),
    history: list({ type: "object" }),
    findings: list(finding),
    advice
  }),
  check: resultOf({
    key,
    port,
    directory: { type: "string" },
    verdict: { enum: VERDICTS },
    listeners: list(listener),
    advice
  }),
  doctor: resultOf({ healthy: { type: "boolean" }, findings: list(finding), omitted: { type: "integer" } }),
  history: resultOf({
    operations: list(
      resultOf({
        number: { type: "integer" },
        at: { type: "string" },
        what: { type: "string" },
        host: { type: "string" },
        user: { type: "string" },
        program: { type: "string" },
        takesBack: orNull("integer"),
        takenBackBy: orNull("integer"),
        undoable: { type: "boolean" },
        changes: list({ type: "object" })
      })
    )
  }),
  undo: resultOf({ operation: { type: "object" }, dryRun: { type: "boolean" }, changes: list({ type: "object" }) }),
  release: resultOf({ released: list(resultOf({ key, port: { ...port, type: ["integer", "null"] } })) })
}
