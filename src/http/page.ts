import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import type { IncomingMessage } from "node:http"
import { join } from "node:path"
import type { HttpError } from "./failure.ts"
import { type Body, errorBody } from "./respond.ts"

/** The files of the page, by the paths at which they are served: all that there is, so that no path leads elsewhere. */
const FILES = [
  { path: "/", name: "index.html", type: "text/html; charset=utf-8" },
  { path: "/app.js", name: "app.js", type: "text/javascript; charset=utf-8" },
  { path: "/app.css", name: "app.css", type: "text/css; charset=utf-8" }
]

/** The build puts them beside the directory of this part. */
const DIRECTORY = join(__dirname, "../dashboard")

/** A page that loads nothing but its own files, asks nobody but this server, and is shown in no other page. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const MISSING: HttpError = {
  code: "no-such-path",
  message: "the files of the page are missing in this installation of d",
  hint: "install d again, and restart the daemon"
}

const load = async (): Promise<ReadonlyMap<string, Body>> => {
  const bodies = FILES.map(async ({ name, path, type }): Promise<[string, Body]> => {
    const text = await readFile(join(DIRECTORY, name), "utf8")
    const etag = `"${createHash("sha256").update(text).digest("base64url")}"`
    // A copy is used again once this server has said that it is the same.
    return [
      path,
      { status: 200, type, text, headers: { etag, "cache-control": "no-cache", "content-security-policy": POLICY } }
    ]
  })
  return new Map(await Promise.all(bodies))
}

/** Returns whether a client has this version already. */
const hasIt = ({ headers }: IncomingMessage, etag: string): boolean =>
  (headers["if-none-match"] ?? "").split(",").some((each) => each.trim().replace(/^W\//, "") === etag)

/** Reads the files of the page, all at once: a later installation of d may replace them. */
export const loadPage = async () => {
  const files = await load().catch(() => new Map(FILES.map(({ path }) => [path, errorBody(MISSING)])))
  /** Returns what is at a path; undefined if that is not one of the page. */
  return (request: IncomingMessage, path: string): Body | undefined => {
    const body = files.get(path)
    const etag = body?.headers?.["etag"]
    return body !== undefined && etag !== undefined && hasIt(request, etag) ? { ...body, status: 304, text: "" } : body
  }
}

export type Page = Awaited<ReturnType<typeof loadPage>>
