import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { version } from "../../package.json"
import { HEALTH_STATES } from "../domain/Health.ts"
import { RESERVATION_SOURCES } from "../domain/ReservedPort.ts"
import { withChanges } from "./openapi.ts"

/**
 * The paths of the API that read. The name of each endpoint but `events` is the command that answers it, and its parameters
 * are fields of that command's request; what they may be is in app/requestSchemas.ts, as for every other client. The commands
 * that change something are all there by the table of commands.
 */

const text = (description: string) => Schema.optional(Schema.String.annotations({ description }))
/** On its own, as in `?stale`, it is set. */
const flag = (description: string) =>
  Schema.optional(
    Schema.transformLiterals(["", true], ["true", true], ["false", false]).annotations({
      description,
      message: () => ({ message: "write true or false", override: true })
    })
  )

const NullOr = Schema.NullOr
const port = Schema.Int.pipe(Schema.between(1, 65_535))
const KeyPort = Schema.Struct({ key: Schema.String, port }).annotations({ identifier: "KeyPort" })

const Listener = Schema.Struct({
  address: Schema.String,
  pid: NullOr(Schema.Int),
  command: NullOr(Schema.String),
  directory: NullOr(Schema.String),
  unit: NullOr(Schema.String),
  container: NullOr(Schema.String),
  containerDetails: NullOr(
    Schema.Struct({
      id: Schema.String,
      name: NullOr(Schema.String),
      image: NullOr(Schema.String),
      project: NullOr(Schema.String),
      service: NullOr(Schema.String),
      directory: NullOr(Schema.String),
      cli: Schema.Array(Schema.String)
    }).annotations({ identifier: "Container", description: "As its engine describes it; null if no engine does." })
  ),
  user: Schema.String
}).annotations({ identifier: "Listener" })

const Assignment = Schema.Struct({
  key: Schema.String,
  port,
  kind: Schema.Literal("prod", "dev", "special"),
  app: NullOr(Schema.String),
  description: NullOr(Schema.String),
  host: NullOr(Schema.String),
  owner: NullOr(Schema.Unknown),
  pinned: Schema.Boolean,
  health: Schema.Struct({
    state: Schema.Literal(...HEALTH_STATES),
    since: NullOr(Schema.String),
    lastUp: NullOr(Schema.String),
    checkedAt: NullOr(Schema.String)
  }),
  listener: NullOr(Listener)
}).annotations({ identifier: "Assignment" })

const ReservedPort = Schema.Struct({
  port,
  source: Schema.Literal(...RESERVATION_SOURCES),
  reason: Schema.String,
  at: NullOr(Schema.String),
  by: NullOr(Schema.String),
  host: NullOr(Schema.String)
}).annotations({ identifier: "ReservedPort" })

/** A document that docs/commands.md has the fields of. */
const documentOf = (command: string) =>
  Schema.Unknown.annotations({ title: command, description: `the document of d ${command} --json` })

const Failure = Schema.Struct({
  error: Schema.Struct({ code: Schema.String, message: Schema.String, hint: Schema.String })
}).annotations({ identifier: "Failure", description: "What is wrong with which value, and what to do." })

const reads = HttpApiGroup.make("reads")
  .add(
    HttpApiEndpoint.get("listPorts", "/api/ports")
      .setUrlParams(
        Schema.Struct({
          app: text("only the ports of this app"),
          health: text(`only the ports in this state: ${HEALTH_STATES.join(", ")}`),
          host: text("only the ports that this host claimed, has seen up, or has a directory of"),
          stale: flag("only the stale ports")
        })
      )
      .addSuccess(Schema.Array(Assignment))
      .annotate(OpenApi.Summary, "List the ports")
  )
  .add(
    HttpApiEndpoint.get("getPort", "/api/ports/:key")
      .setPath(Schema.Struct({ key: Schema.String }))
      .setUrlParams(
        Schema.Struct({ plain: text("answer the number and a line break alone, as for Accept: text/plain") })
      )
      .addSuccess(KeyPort)
      .addSuccess(HttpApiSchema.Text())
      .addError(Failure, { status: 404 })
      .annotate(OpenApi.Summary, "Get the port of a key")
  )
  .add(
    HttpApiEndpoint.get("listReserved", "/api/reserved")
      .setUrlParams(Schema.Struct({ all: flag("also those outside the ranges") }))
      .addSuccess(Schema.Array(ReservedPort))
      .annotate(OpenApi.Summary, "List the reserved ports")
  )
  .add(
    HttpApiEndpoint.get("history", "/api/history")
      .setUrlParams(
        Schema.Struct({
          number: text("only this operation"),
          key: text("only operations on this key"),
          app: text("only operations on this app"),
          port: text("only operations on this port"),
          since: text("only operations since this time or within this time span"),
          host: text("only operations of this host"),
          limit: text("at most this many operations")
        })
      )
      .addSuccess(documentOf("history"))
      .annotate(OpenApi.Summary, "List what was changed, newest first")
  )
  .add(
    HttpApiEndpoint.get("doctor", "/api/doctor")
      .setUrlParams(
        Schema.Struct({
          check: text("run only this check"),
          severity: text("only findings of this severity or a higher one")
        })
      )
      .addSuccess(documentOf("doctor"))
      .annotate(OpenApi.Summary, "Find what is wrong, and how to fix it; changes nothing")
  )
  .add(
    HttpApiEndpoint.get("explain", "/api/explain")
      .setUrlParams(Schema.Struct({ port: text("the port"), key: text("the key") }))
      .addSuccess(documentOf("explain"))
      .annotate(OpenApi.Summary, "Show everything about a port")
  )
  .add(
    HttpApiEndpoint.get("status", "/api/status")
      .addSuccess(documentOf("status"))
      .annotate(OpenApi.Summary, "Show the status of the daemon, its database and the ports")
  )
  .add(
    HttpApiEndpoint.get("events", "/api/events")
      .addSuccess(HttpApiSchema.Text({ contentType: "text/event-stream" }))
      .annotate(OpenApi.Summary, "Stream the list of the ports, and then each change, as server-sent events")
  )

export const Api = HttpApi.make("d")
  .add(reads)
  .addError(Failure, { status: 400 })
  .addError(Failure, { status: 403 })
  .addError(Failure, { status: 503 })
  .annotate(OpenApi.Title, "d")
  .annotate(OpenApi.Version, version)
  .annotate(OpenApi.Transform, withChanges)
  .annotate(OpenApi.Description, "A registry of TCP ports for everything that runs on a developer's machines.")
