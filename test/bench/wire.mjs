import { join, resolve } from "node:path"
import { QUICK, rate, ratio } from "./measure.mjs"
import { served, service } from "./place.mjs"
import { demand, kept, once, request } from "./talk.mjs"

const ROUNDS = QUICK ? 3 : 11
const ROUND_MS = QUICK ? 400 : 1000
const CLIENTS = 32
const TRIPS = QUICK ? 50 : 200

/** What is answered fast has to be right, too. */
const expect = (answer, expected) => {
  if (answer !== expected) throw new Error(`${JSON.stringify(answer)} was answered, not ${JSON.stringify(expected)}`)
}

/** What a question costs once a program has a connection, or opens one, against a service that does nothing. */
export const wireRows = async () => {
  const { directory, socket } = await served()
  const echo = join(directory, "echo.sock")
  await service(process.execPath, [resolve("test/bench/echo.mjs"), echo])

  const connections = (path) => Promise.all(Array.from({ length: CLIENTS }, () => kept(path)))
  const ours = await connections(socket)
  const theirs = await connections(echo)
  await demand(ours[0], "setPort", { key: "app0-dev", value: 20_001 })
  const question = request("getPort", { key: "app0-dev" })
  const answer = await ours[0].ask(question)
  const plain = `${JSON.stringify({ command: "getPort", key: "app0-dev" })}\n`
  const hop = join(directory, "hop.sock")
  await service(process.execPath, [resolve("test/bench/hop.mjs"), hop, echo])
  const front = await served(undefined, { AUTOMATELINUX_FORWARD: echo })
  const asked = await kept(front.socket)
  await demand(asked, "setPort", { key: "app0-dev", value: 20_001 })
  const other = `${JSON.stringify({ command: "anothersOwn", text: "x" })}\n`
  const trip = (path, line, expected) => async () => {
    const started = performance.now()
    for (let each = 0; each < TRIPS; each++) expect(await once(path, line), expected)
    return (performance.now() - started) / TRIPS
  }
  const withFront = { reach: 1.5, aim: 1.2 }
  return [
    {
      what: "another daemon's command, handed through to it, one connection each, round trip",
      against: "the same through a bare hop in Node",
      ...(await ratio(ROUNDS, trip(front.socket, other, other), trip(hop, other, other))),
      ...withFront
    },
    {
      what: "getPort in front of another daemon, one connection each, round trip",
      against: "the same without another daemon",
      ...(await ratio(ROUNDS, trip(front.socket, plain, "20001\n"), trip(socket, plain, "20001\n"))),
      ...withFront
    },
    {
      what: `getPort over kept connections, ${CLIENTS} clients, SQLite`,
      against: "a bare echo server of JSON lines in Node",
      ...(await ratio(
        ROUNDS,
        () => rate(CLIENTS, ROUND_MS, async (client) => expect(await ours[client].ask(question), answer)),
        () => rate(CLIENTS, ROUND_MS, async (client) => expect(await theirs[client].ask(question), question.trim()))
      )),
      unit: "/s",
      reach: 0.3,
      aim: 0.5
    },
    {
      what: "getPort, one connection each, plain form",
      against: "the same echo server, one connection each",
      ...(await ratio(
        ROUNDS,
        () => rate(CLIENTS, ROUND_MS, async () => expect(await once(socket, plain), "20001\n")),
        () => rate(CLIENTS, ROUND_MS, async () => expect(await once(echo, plain), plain))
      )),
      unit: "/s",
      reach: 0.6,
      aim: 0.85
    }
  ]
}
