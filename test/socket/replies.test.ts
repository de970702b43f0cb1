import { connect } from "node:net"
import { expect, it } from "vitest"
import type { Results } from "../../src/commands/Results.ts"
import { readReply } from "../../src/socket/replies.ts"
import { listen, machine, startDaemon } from "../support/cli.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "17200-17249", AUTOMATELINUX_SPECIAL_RANGE: "17250-17299" }

const ask = (path: string, request: object): Promise<string> =>
  new Promise((done) => {
    let text = ""
    const socket = connect(path, () => socket.write(`${JSON.stringify({ ...request, format: "json" })}\n`))
    socket.on("data", (chunk) => {
      text += chunk
      if (!text.endsWith("\n")) return
      socket.destroy()
      done(text)
    })
  })

/** Every way to put something else, or nothing, in the place of one value that is in there. */
const spoiled = (value: unknown): ReadonlyArray<unknown> => {
  const inside =
    typeof value !== "object" || value === null
      ? []
      : Object.entries(value).flatMap(([name, each]) =>
          spoiled(each).map((other) =>
            Array.isArray(value) ? value.with(Number(name), other) : { ...value, [name]: other }
          )
        )
  return [{ surprise: 1 }, undefined, ...inside]
}

it("send a browser nowhere but to this machine", () => {
  const reply = (once: string) =>
    JSON.stringify({
      ok: true,
      version: "1",
      result: { address: "http://localhost:3500", url: "http://localhost:3500/#token=x", once }
    })
  expect(readReply("dashboard", reply("http://localhost:3500/open/a_b-c"))).toBeDefined()
  for (const other of [
    "file:///etc/passwd",
    "--help",
    "http://localhost.evil:1/",
    "http://localhost:1@evil/",
    "javascript:1"
  ])
    expect(readReply("dashboard", reply(other)), other).toBeUndefined()
})

it("are taken from a real daemon, to every command, and from nothing that differs in a single value", async () => {
  const box = machine({ ...RANGES, AUTOMATELINUX_PROBE_INTERVAL: "200 millis" })
  const { socket } = await startDaemon(box)
  await listen(17_201, "127.0.0.1")
  await listen(17_210, "127.0.0.1")
  const requests: ReadonlyArray<{ readonly command: keyof Results } & Readonly<Record<string, unknown>>> = [
    { command: "allocate", app: ["cad"] },
    { command: "setPort", key: "cad-dev", value: 17_201, dir: process.cwd() },
    { command: "setPort", key: "cad-dev", description: "x" },
    { command: "setPort", key: "half-dev", value: 17_201, force: true },
    { command: "reserve", port: 17_220, reason: "r" },
    { command: "reserve", port: ["17221-17222", 17_224], reason: "r" },
    { command: "listReserved" },
    { command: "getPort", key: "cad-dev" },
    { command: "getPort", key: "none" },
    { command: "listPorts" },
    { command: "explain", port: 17_201 },
    { command: "explain", port: 17_210 },
    { command: "explain", key: "cad-dev" },
    { command: "doctor" },
    { command: "ping" },
    { command: "status" },
    { command: "rename", key: "half-dev", to: "other-dev" },
    { command: "rename", app: "cad", to: "kad" },
    { command: "rename", name: "kad", to: "cad" },
    { command: "describe", app: "cad", description: "CAD" },
    { command: "describe", key: "cad-dev", description: "" },
    { command: "unreserve", port: 17_220 },
    { command: "deletePort", key: "other-dev" },
    { command: "release", app: ["cad"] },
    { command: "dashboard" }
  ]
  while (!(await box.ok("status")).includes(" ports\n")) await new Promise((done) => setTimeout(done, 50))
  for (const request of requests) {
    const line = await ask(socket, request)
    const reply = JSON.parse(line)
    expect(readReply(request.command, line), line).toMatchObject(reply)
    expect(Object.keys(reply).slice(0, 3)).toEqual(["ok", "version", reply.ok ? "result" : "error"])
    const mayMiss = [
      { ...reply, notes: undefined },
      // An older daemon has no HTTP.
      ...(request.command === "status" ? [{ ...reply, result: { ...reply.result, http: undefined } }] : [])
    ].map((each) => JSON.stringify(each))
    // Nor does it ask for containers.
    const whole = JSON.stringify(reply)
    for (const { 0: field, index } of whole.matchAll(/"containerDetails":null,/g))
      mayMiss.push(whole.slice(0, index) + whole.slice(index + field.length))
    for (const each of spoiled(reply)) {
      const other = JSON.stringify(each) ?? ""
      if (mayMiss.includes(other)) continue
      expect(readReply(request.command, other), `${request.command}: ${other}`).toBeUndefined()
    }
  }
})
