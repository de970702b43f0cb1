import { parsePort } from "../domain/names.ts"
import { type Named, PortsError, port, url } from "./index.ts"
import { withHint } from "./refusal.ts"

export interface NextPortsOptions extends Named {
  /** Paths that `next dev` passes on to siblings, with all that is below them: `{ "/api": "api-dev" }`. */
  readonly proxy?: Readonly<Record<string, string | Named>>
  /** Let `next dev` serve on another port than that of its directory's app; default false. */
  readonly anyPort?: boolean
}

interface Rewrite {
  source: string
  destination: string
}

type Rewrites<R> = R[] | { beforeFiles?: R[]; afterFiles?: R[]; fallback?: R[] }

/** The part of a configuration of Next that is changed. */
interface NextConfig<R = Rewrite> {
  rewrites?: (() => Promise<Rewrites<R>>) | undefined
}

type ConfigFunction<C> = (phase: string, context: { defaultConfig: C }) => C | Promise<C>

/** Next's own name for `next dev`. */
const DEVELOPMENT = "phase-development-server"

const onNote = (line: string) => console.warn(line)

/**
 * Next reads PORT, or --port, before its configuration, which cannot change it any more. Its server sets PORT to the port on
 * which it really listens, and loads the configuration then.
 */
const refuseOtherPort = async (named: Named): Promise<void> => {
  const served = parsePort(process.env["PORT"] ?? "")
  if (served === undefined) return
  const own = await port({ ...named, claim: true, onNote })
  if (served !== own)
    throw new PortsError({
      code: "conflict",
      message: `next dev would serve on ${served}, and the port of this directory is ${own}`,
      hint: "d run next dev; or allow it with anyPort: true"
    })
}

const proxied = async ([path, to]: readonly [string, string | Named]): Promise<Rewrite> => {
  const named = typeof to === "string" ? { key: to } : to
  const base = path.replace(/\/$/, "")
  return { source: `${base}/:path*`, destination: `${await url({ ...named, claim: false, onNote })}${base}/:path*` }
}

/**
 * Returns the configuration of Next with the siblings that `next dev` passes requests on to, and refuses to serve on a port
 * that is not the directory's: `d run next dev` gives Next its port. Builds and `next start` are left alone.
 *
 * @example
 * export default withPorts({ reactStrictMode: true }, { proxy: { "/api": "api-dev" } })
 */
export const withPorts =
  <C extends object>(config: C | ConfigFunction<C>, { anyPort = false, proxy = {}, ...named }: NextPortsOptions = {}) =>
  async (phase: string, context: { defaultConfig: C }): Promise<C> => {
    const own: C & NextConfig = typeof config === "function" ? await config(phase, context) : config
    if (phase !== DEVELOPMENT) return own
    try {
      if (!anyPort) await refuseOtherPort(named)
      const added = await Promise.all(Object.entries(proxy).map(proxied))
      const rewrites = async () => {
        const given = (await own.rewrites?.()) ?? []
        return Array.isArray(given)
          ? [...given, ...added]
          : { ...given, afterFiles: [...(given.afterFiles ?? []), ...added] }
      }
      return added.length === 0 ? own : { ...own, rewrites }
    } catch (error) {
      throw withHint(error)
    }
  }
