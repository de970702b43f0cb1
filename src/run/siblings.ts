import { quote } from "../text/escape.ts"
import { invalid, must, type RunMeans, type RunRequest, urlOf } from "./request.ts"

/** Finds the ports of the other keys that a run names, by `--env` or in the words of its command. */

/** One of them: `port:KEY` or `url:KEY`, and how it was written. */
interface Named {
  readonly what: string
  readonly written: string
}

interface Claimed {
  readonly app: string | null
  readonly port: number
}

const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/

/** The names that a run sets itself. */
const OWN = ["PORT", "D_KEY", "D_DIR", "D_PORT", "D_URL", "D_RUN"]

/** Reads `--env NAME=WHAT`. */
const readEnv = (entry: string): Named & { readonly name: string } => {
  const [, name, what] = ASSIGNMENT.exec(entry) ?? []
  const written = `env ${quote(entry)}`
  if (name === undefined || what === undefined)
    throw invalid(`${written} is not NAME=WHAT`, "write --env API_URL=url:api-dev")
  if (OWN.includes(name)) throw invalid(`${written} sets ${name}, which d run sets itself`, "choose another name")
  if (!/^(port|url):./.test(what))
    throw invalid(`${written} is neither port:KEY nor url:KEY`, `write --env ${name}=url:KEY`)
  return { name, what, written }
}

const PLACEHOLDER = /\{(port|url)(?::([A-Za-z0-9._{}-]+))?\}/g

/** The keys that are named in the words of a command. */
const namedIn = (words: ReadonlyArray<string>): ReadonlyArray<Named> =>
  words.flatMap((word) =>
    [...word.matchAll(PLACEHOLDER)].flatMap(([whole, kind, key]) =>
      key === undefined ? [] : { what: `${kind}:${key}`, written: quote(whole) }
    )
  )

/** Asks for ports, each once; `{app}` is the app of the run. */
const makeResolver = (means: RunMeans) => {
  const known = new Map<string, number>()
  return async ({ what, written }: Named, app: string | null): Promise<string> => {
    const [kind, ...rest] = what.split(":")
    const given = rest.join(":")
    if (given.includes("{app}") && app === null)
      throw invalid(`${written} has {app}, and the key of this run is no app's`, "name the key")
    const key = given.replaceAll("{app}", app ?? "")
    const port = known.get(key) ?? (await must(await means.ask("getPort", { key }), means)).port
    known.set(key, port)
    return kind === "port" ? String(port) : urlOf(port)
  }
}

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
      const own = kind === "port" ? String(port) : urlOf(port)
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
  const entries = (request.env ?? []).map(readEnv)
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
