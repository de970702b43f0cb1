import { connect } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it, onTestFinished } from "vitest"
import { printed } from "../src/printed.ts"
import { type Limits, type Outcome, serve } from "../src/server.ts"
import { temporary } from "./support/program.ts"

const LIMITS: Limits = { line: 100, connections: 3, idle: 400 }
const pong: Outcome = { ok: true, result: {}, text: () => printed(["pong"]), notes: [] }

const start = async (respond = async () => pong) => {
  const path = join(temporary(), "s")
  const service = await serve(path, respond, "1", LIMITS)
  onTestFinished(() => service.stop(100))
  return { path, service }
}

const talk = (path: string, text = "") => {
  const socket = connect(path)
  onTestFinished(() => void socket.destroy())
  let heard = ""
  socket.on("data", (chunk) => (heard += chunk))
  socket.on("error", () => {})
  if (text !== "") socket.write(text)
  return new Promise<string>((done) => socket.once("close", () => done(heard)))
}

it("says that a line is too long, and takes one that is just not", async () => {
  const { path } = await start()
  const line = `{"command":"ping","x":"`.padEnd(98, "x")
  expect(await talk(path, `${line}"}\n`)).toBe("pong\n")
  expect(await talk(path, `${line}x"}\n`)).toBe("ERROR: Line too long\n")
  expect(await talk(path, "x".repeat(101))).toBe("ERROR: Line too long\n")
})

it("says that there are too many connections, and takes the next when one is gone", async () => {
  const { path } = await start()
  const held = [talk(path), talk(path), talk(path)]
  await sleep(50)
  expect(await talk(path, '{"command":"ping"}\n')).toBe("ERROR: Too many connections\n")
  expect(await Promise.all(held)).toEqual(held.map(() => "ERROR: Idle timeout\n"))
  await sleep(50)
  expect(await talk(path, '{"command":"ping"}\n')).toBe("pong\n")
})

it("tells who says nothing, and lets who says something", async () => {
  const { path } = await start()
  expect(await talk(path)).toBe("ERROR: Idle timeout\n")
  const socket = connect(path)
  onTestFinished(() => void socket.destroy())
  let heard = ""
  socket.on("data", (chunk) => (heard += chunk))
  for (const byte of '{"command":"ping"}\n') {
    socket.write(byte)
    await sleep(60)
  }
  await sleep(50)
  expect(heard).toBe("pong\n")
})

it("does not take who waits for an answer for idle", async () => {
  const { path } = await start(async () => {
    await sleep(3 * LIMITS.idle)
    return pong
  })
  expect(await talk(path, '{"command":"ping"}\n')).toBe("pong\n")
})

it("answers what was asked before it stops, and no more", async () => {
  const { path, service } = await start(async () => {
    await sleep(200)
    return pong
  })
  const asked = talk(path, '{"command":"ping"}\n')
  await sleep(50)
  const stopped = service.stop(2000)
  expect(await talk(path, '{"command":"ping"}\n')).toBe("")
  expect(await asked).toBe("pong\n")
  await stopped
})
