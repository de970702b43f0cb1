import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { readdirSync, writeFileSync } from "node:fs"
import { createServer, request } from "node:http"
import { connect } from "node:net"
import { join, resolve } from "node:path"
import { onTestFinished } from "vitest"
import { until } from "./doctor.ts"
import { unpack } from "./programs.ts"
import { once, temporary } from "./root.ts"

/** Debian's nginx, Caddy and HAProxy, and apps behind them. */

const DIRECTORY = resolve("node_modules/.cache/proxies")

once("unpacking of proxies", () => unpack(["nginx", "haproxy", "caddy"], DIRECTORY))

const PROGRAMS = { nginx: "usr/sbin/nginx", haproxy: "usr/sbin/haproxy", caddy: "usr/bin/caddy" }

const LIBRARIES = readdirSync(join(DIRECTORY, "usr/lib"))
  .filter((name) => name.includes("-linux-"))
  .map((name) => join(DIRECTORY, "usr/lib", name))

const environmentIn = (home: string) => ({
  PATH: process.env["PATH"],
  HOME: home,
  LD_LIBRARY_PATH: LIBRARIES.join(":")
})

/** Returns a program's verdict on a configuration, from both streams. */
export const checkBy = (program: keyof typeof PROGRAMS, ...words: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(join(DIRECTORY, PROGRAMS[program]), words, {
    encoding: "utf8",
    env: environmentIn(temporary())
  })
  return { code: status, said: stdout + stderr }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("error", () => done(false))
    socket.once("connect", () => {
      socket.destroy()
      done(true)
    })
  })

/** Starts a program, and returns once it listens on `port`. It ends with the test. */
export const startProxy = async (
  program: keyof typeof PROGRAMS,
  port: number,
  ...words: ReadonlyArray<string>
): Promise<ChildProcess> => {
  const child = spawn(join(DIRECTORY, PROGRAMS[program]), words, {
    env: environmentIn(temporary()),
    stdio: ["ignore", "pipe", "pipe"]
  })
  let said = ""
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk))
  const ended = new Promise<void>((done) => child.once("close", () => done()))
  onTestFinished(async () => {
    child.kill()
    await ended
  })
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`)
      return answers(port)
    },
    (isUp) => isUp
  )
  return child
}

/** The words that have nginx read `file` at the end of its http block, after a server of the user's own on `port`. */
export const nginxWith = (file: string, port: number): ReadonlyArray<string> => {
  const directory = temporary()
  const main = join(directory, "main.conf")
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  writeFileSync(
    main,
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr; events {}
     http {
       access_log off;
       ${paths.map((name) => `${name}_temp_path ${directory}/${name};`).join(" ")}
       server { listen ${port} default_server; listen [::]:${port} default_server; return 200 "another site\\n"; }
       include ${file};
     }`
  )
  return ["-e", "stderr", "-p", directory, "-c", main]
}

/** The words that have Caddy read a Caddyfile with an admin API at `admin`, and with `lines`. */
export const caddyWith = (lines: string, admin: number): ReadonlyArray<string> => {
  const main = join(temporary(), "Caddyfile")
  writeFileSync(main, `{\n\tadmin localhost:${admin}\n}\n${lines}\n`)
  return ["--config", main, "--adapter", "caddyfile"]
}

/** The text that a server adds to the key of a WebSocket before it hashes it (RFC 6455). */
const WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/**
 * An app on `port` of one address: it answers what it was asked, sends an event at once and never ends at /events, and gives
 * back what is sent to it after an upgrade.
 */
export const startApp = (port: number, host: string): Promise<void> =>
  new Promise((done, fail) => {
    const server = createServer((asked, response) => {
      if (asked.url === "/events") {
        response.writeHead(200, { "Content-Type": "text/event-stream" })
        response.write("data: first\n\n")
        return
      }
      response.end(JSON.stringify({ port, url: asked.url, headers: asked.headers }))
    })
    server.on("upgrade", ({ headers }, socket) => {
      const accept = createHash("sha1").update(`${headers["sec-websocket-key"]}${WEBSOCKET}`).digest("base64")
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
      )
      socket.pipe(socket)
      socket.on("error", () => {})
    })
    server.once("error", fail)
    server.listen(port, host, () => {
      onTestFinished(() => {
        server.closeAllConnections()
        server.close()
      })
      done()
    })
  })

/** Returns the answer of a proxy on `port` to a request for a name; `from` is the address that it is asked at. */
export const get = (
  port: number,
  name: string,
  { from = "127.0.0.1", path = "/" } = {}
): Promise<{ readonly status: number | undefined; readonly text: string }> =>
  new Promise((done, fail) => {
    const headers = { Host: `${name}:${port}` }
    const sent = request({ host: from, port, path, agent: false, headers }, (response) => {
      let text = ""
      response.on("data", (chunk) => (text += chunk))
      response.on("end", () => done({ status: response.statusCode, text }))
    })
    sent.once("error", fail)
    sent.end()
  })

/** The request that an app behind a proxy got, in its own words. */
export const seenBehind = async (port: number, name: string) => {
  const { status, text } = await get(port, name, { path: "/a%2Fb?c=1" })
  if (status !== 200) throw new Error(`${name} answers ${status}: ${text}`)
  return JSON.parse(text) as {
    readonly port: number
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
  }
}

/** The first piece of a response that never ends. */
export const firstEvent = (port: number, name: string): Promise<string> =>
  new Promise((done, fail) => {
    const headers = { Host: `${name}:${port}` }
    const sent = request({ host: "127.0.0.1", port, path: "/events", agent: false, headers }, (response) =>
      response.once("data", (chunk) => {
        done(String(chunk))
        sent.destroy()
      })
    )
    sent.once("error", fail)
    sent.end()
  })

/** Returns what comes back after an upgrade to WebSocket. */
export const echoOf = (port: number, name: string, text: string): Promise<string> =>
  new Promise((done, fail) => {
    const headers = {
      Host: `${name}:${port}`,
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="
    }
    const sent = request({ host: "127.0.0.1", port, agent: false, headers })
    sent.once("error", fail)
    sent.once("response", (response) => fail(new Error(`no upgrade: ${response.statusCode}`)))
    sent.once("upgrade", (_, socket) => {
      socket.once("data", (chunk) => {
        done(String(chunk))
        socket.destroy()
      })
      socket.write(text)
    })
    sent.end()
  })
