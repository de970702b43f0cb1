import type { CommandSpec, OptionSpec } from "../commands/CommandSpec.ts"
import { wordsOf } from "../commands/valueWords.ts"
import { changes, fieldsOf } from "./changes.ts"

/** The JSON schema of one value of an option. */
const typeOf = ({ type, value }: OptionSpec) => {
  if (value === undefined || type === undefined) return { type: "boolean" }
  if (type === "port" || type === "number") return { type: ["integer", "string"] }
  const words = wordsOf(type)
  return words === undefined ? { type: "string" } : { type: "string", enum: words }
}

const propertyOf = (option: OptionSpec) => ({
  description: option.help,
  ...(option.repeated ? { type: "array", items: typeOf(option) } : typeOf(option))
})

const schemaOf = (command: CommandSpec) => {
  const fields = fieldsOf(command)
  const required = fields.flatMap(({ field, required }) => (required ? [field] : []))
  return {
    type: "object",
    properties: Object.fromEntries(fields.map((option) => [option.field, propertyOf(option)])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false
  }
}

const json = (schema: unknown) => ({ "application/json": { schema } })

const FAILURE = {
  description: "What is wrong, and what to do.",
  content: json({ $ref: "#/components/schemas/Failure" })
}

const operationOf = (command: CommandSpec) => ({
  tags: ["changes"],
  operationId: `changes.${command.name}`,
  summary: command.summary,
  security: [{ token: [] }],
  requestBody: { required: true, content: json(schemaOf(command)) },
  responses: {
    200: {
      description: `the document of d ${command.name} --json, with its notes if there are any`,
      content: json({ type: "object" })
    },
    ...Object.fromEntries(["400", "401", "403", "404", "409", "413", "415", "503"].map((status) => [status, FAILURE]))
  }
})

const SCHEME = {
  type: "http",
  scheme: "bearer",
  description:
    "The token that d dashboard --json prints. There is a new one at each start of the daemon, and when its port changes."
}

const object = (value: unknown): object => (typeof value === "object" && value !== null ? value : {})

/** Adds the commands that change something to the description of the API. */
export const withChanges = (described: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const paths: Record<string, object> = { ...object(described["paths"]) }
  for (const [path, command] of changes) paths[path] = { ...paths[path], post: operationOf(command) }
  const components = object(described["components"])
  return { ...described, paths, components: { ...components, securitySchemes: { token: SCHEME } } }
}
