import * as Schema from "effect/Schema"
import { Health } from "./Health.ts"

/** An assignment as `listPorts` shows it. */
export const Assignment = Schema.Struct({
  key: Schema.String,
  port: Schema.Int,
  kind: Schema.Literal("prod", "dev", "special"),
  app: Schema.NullOr(Schema.String),
  description: Schema.NullOr(Schema.String),
  health: Health,
  listener: Schema.NullOr(
    Schema.Struct({
      address: Schema.String,
      pid: Schema.NullOr(Schema.Int),
      command: Schema.NullOr(Schema.String),
      directory: Schema.NullOr(Schema.String),
      user: Schema.String
    })
  )
})
export type Assignment = typeof Assignment.Type
