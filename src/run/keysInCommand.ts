import { RUN_MARK } from "../domain/names.ts"
import { portUrl } from "../domain/portUrl.ts"
import { quote } from "../text/escape.ts"
import type { RunMeans, RunRequest } from "./request.ts"
import { makeResolver, type Named, readEnv } from "./siblings.ts"

/** Finds the ports of the other keys that a run names, by `--env` or in the words of its command. */

interface Claimed {
  readonly app: string | null
  readonly port: number
}

/** The names that a run sets itself. */
const OWN = ["PORT", "D_KEY", "D_DIR", "D_PORT", "D_URL", RUN_MARK]

const PLACEHOLDER = /\{(port|url)(?::([A-Za-z0-9._{}-]+))?\}/g

/** The keys that are named in the words of a command. */
const namedIn = (words: ReadonlyArray<string>): ReadonlyArray<Named> =>
  words.flatMap((word) =>
    [...word.matchAll(PLACEHOLDER)].flatMap(([whole, kind, key]) =>
      key === undefined ? [] : { what: `${kind}:${key}`, written: quote(whole) }
    )
  )

/** Whether a run may be about to claim the key that is named. */
const mayBeOwn = ({ what }: Named, { app, key }: RunRequest, { project }: RunMeans): boolean => {
  const apps = app === undefined ? project.names : [app]
  const own = [key, ...apps.flatMap((name) => [`${name}-prod`, `${name}-dev`])]
  return what.includes("{app}") || own.includes(what.replace(/^(port|url):/, ""))
}

/** Replaces `{port}`, `{url}` and `{port:KEY}` in the words of a command. */
const replaceIn = async (
  words: ReadonlyArray<string>,
  port: number,
  resolve: (named: Named) => Promise<string>
): Promise<ReadonlyArray<string>> => {
  const replaced: Array<string> = []
  for (const word of words) {
    let text = ""
    let at = 0
    for (const match of word.matchAll(PLACEHOLDER)) {
      const [whole, kind, key] = match
      const own = kind === "port" ? String(port) : portUrl(port)
      const value = key === undefined ? own : await resolve({ what: `${kind}:${key}`, written: quote(whole) })
      text += word.slice(at, match.index) + value
      at = match.index + whole.length
    }
    replaced.push(text + word.slice(at))
  }
  return replaced
}

/**
 * Reads which other keys a run names. One that has no port fails before anything is claimed, unless it may be what is claimed
 * itself.
 */
export const readSiblings = async (request: RunRequest, words: ReadonlyArray<string>, means: RunMeans) => {
  const entries = (request.env ?? []).map((entry) => readEnv(entry, "run", OWN))
  const resolve = makeResolver(means)
  for (const named of [...entries, ...namedIn(words)]) if (!mayBeOwn(named, request, means)) await resolve(named, null)
  return {
    /** The variables of `--env`. */
    variables: async ({ app }: Claimed): Promise<Readonly<Record<string, string>>> => {
      const variables: Record<string, string> = {}
      for (const entry of entries) variables[entry.name] = await resolve(entry, app)
      return variables
    },
    /** The words of the command, with ports and URLs for what stands for them. */
    replaced: ({ app, port }: Claimed) => replaceIn(words, port, (named) => resolve(named, app))
  }
}
