import { resolve } from "node:path"
import { check, type Named, type PortOptions, port, url } from "./index.ts"
import { refuseAnother, withHint } from "./refusal.ts"

/** Where requests go, by a key, an app or a directory, with Vite's own options for a proxy. */
export interface ProxyTo extends Named {
  /** The sibling's port on a machine without a registry. */
  readonly fallback?: PortOptions["fallback"]
  readonly rewrite?: (path: string) => string
  readonly ws?: boolean
  readonly [option: string]: unknown
}

export interface VitePortsOptions extends Omit<Named, "mode"> {
  /** The port on a machine without a registry, which is not strict. */
  readonly fallback?: PortOptions["fallback"]
  /** Paths that the server passes on to siblings: `{ "/api": "api-dev" }`. */
  readonly proxy?: Readonly<Record<string, string | ProxyTo>>
}

interface UserConfig {
  readonly root?: string | undefined
  readonly plugins?: unknown
  readonly server?: Placed | undefined
  readonly preview?: Placed | undefined
}

interface Placed {
  readonly port?: number | undefined
  readonly middlewareMode?: unknown
}

interface Server {
  readonly httpServer: unknown
  readonly config: { readonly server: Placed; readonly preview: Placed }
}

interface Settings {
  port?: number
  strictPort?: boolean
  proxy?: Record<string, { target: string; changeOrigin: boolean }>
}

/** A plugin for any version of Vite. */
export interface VitePlugin {
  name: string
  config: (
    config: UserConfig,
    environment: { readonly command: string; readonly isPreview?: boolean | undefined }
  ) => Promise<{ server?: Settings; preview?: Settings } | undefined>
  configureServer: (server: Server) => Promise<void>
  configurePreviewServer: (server: Server) => Promise<void>
}

/** Vitest resolves the configuration of Vite as well, and serves no one. */
const isVitest = (plugins: unknown): boolean =>
  Array.isArray(plugins)
    ? plugins.some(isVitest)
    : typeof plugins === "object" && plugins !== null && "name" in plugins && plugins.name === "vitest"

const onNote = (line: string) => console.warn(line)

/**
 * Gives Vite the ports of its directory's app: `vite` the dev port, and `vite preview` the prod port. Both are strict, and
 * a server that is there already is named. A port that is given to Vite otherwise stays: with `--port`, as `d run` does, or in
 * its configuration. `vite build` and Vitest are left alone.
 *
 * @example
 * export default defineConfig({ plugins: [ports({ proxy: { "/api": "api-dev" } })] })
 */
export const ports = ({ fallback, proxy = {}, ...named }: VitePortsOptions = {}): VitePlugin => {
  /** What was found out about each mode: the port, and how it is named. */
  const placed = new Map<"dev" | "prod", { readonly port: number; readonly named: Named }>()

  const place = async (mode: "dev" | "prod", root: string): Promise<Settings> => {
    let isStrict = true
    // Without a mode the port is dev's, or the one that d run gave.
    const meant = {
      ...named,
      directory: resolve(root, named.directory ?? "."),
      ...(mode === "prod" && named.key === undefined ? { mode } : {})
    }
    const instead: PortOptions["fallback"] = (error) => {
      isStrict = false
      return typeof fallback === "function" ? fallback(error) : (fallback ?? 0)
    }
    const found = await port({
      ...meant,
      claim: true,
      onNote,
      ...(fallback === undefined ? {} : { fallback: instead })
    })
    if (isStrict) placed.set(mode, { port: found, named: meant })
    return { port: found, strictPort: isStrict }
  }

  const proxied = async (to: string | ProxyTo, root: string) => {
    const { app, directory = ".", fallback: instead, key, mode, ...options } = typeof to === "string" ? { key: to } : to
    const claim = false
    const target = await url({ app, claim, directory: resolve(root, directory), fallback: instead, key, mode, onNote })
    return { changeOrigin: true, ...options, target }
  }

  const refuse = async (mode: "dev" | "prod", { middlewareMode, port: own }: Placed, httpServer: unknown) => {
    const place = placed.get(mode)
    if (place === undefined || place.port !== own || httpServer === null || middlewareMode) return
    // What d run starts, it has checked.
    if (process.env["D_PORT"] !== String(own)) refuseAnother(await check(place.named))
  }

  return {
    name: "automatelinux-ports",
    config: async ({ plugins, preview, root = ".", server }, { command, isPreview = false }) => {
      if (command !== "serve" || isVitest(plugins)) return undefined
      try {
        const targets: NonNullable<Settings["proxy"]> = {}
        for (const [path, to] of Object.entries(proxy)) targets[path] = await proxied(to, root)
        const shared = Object.keys(targets).length > 0 ? { proxy: targets } : {}
        return isPreview
          ? { server: shared, preview: preview?.port === undefined ? await place("prod", root) : {} }
          : { server: { ...shared, ...(server?.port === undefined ? await place("dev", root) : {}) } }
      } catch (error) {
        throw withHint(error)
      }
    },
    configureServer: ({ config, httpServer }) => refuse("dev", config.server, httpServer),
    configurePreviewServer: ({ config, httpServer }) => refuse("prod", config.preview, httpServer)
  }
}
