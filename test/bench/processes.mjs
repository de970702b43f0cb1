import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { QUICK, ratio, timeProcess } from "./measure.mjs"
import { home, PROGRAM, served, service } from "./place.mjs"
import { demand, kept } from "./talk.mjs"

const ROUNDS = QUICK ? 7 : 31
const AT_ONCE = 20

/** A daemon that knows an app and 100 ports. */
const hundred = async () => {
  const place = await served()
  const connection = await kept(place.socket)
  const app = Array.from({ length: 50 }, (_, at) => `app${at}`)
  await demand(connection, "allocate", { app, description: "One of a hundred ports" })
  connection.close()
  return place
}

/** How long a program needs until it runs, in milliseconds: it prints the time. */
const startOf = (words, { directory, env }) =>
  new Promise((done, fail) => {
    const [program, ...rest] = [...words, "date", "+%s%N"]
    const started = performance.timeOrigin + performance.now()
    const child = spawn(program, rest, { env, cwd: directory, stdio: ["ignore", "pipe", "ignore"] })
    let said = ""
    child.stdout.on("data", (chunk) => (said += chunk))
    child.once("error", fail)
    child.once("close", (code) =>
      code === 0 ? done(Number(said) / 1e6 - started) : fail(new Error(`${words.join(" ")} ended with ${code}`))
    )
  })

/** How much longer a command needs that `d run` starts. */
const startThroughRun = async (place) =>
  (await startOf([process.execPath, PROGRAM, "run"], place)) - (await startOf([], place))

/** What the command line of a whole process costs, as a multiple of a `node` that does nothing. */
export const processRows = async () => {
  const place = await hundred()
  const alone = home()
  const nothing = () => timeProcess(["-e", "0"], place.env)
  const against = (env, ...words) => ratio(ROUNDS, () => timeProcess([PROGRAM, ...words], env), nothing)

  await timeProcess([PROGRAM, "setPort", "--key", "app0-dev", "--value", "20001"], alone.env)
  let apps = 0
  const together = (words) =>
    ratio(
      Math.ceil(ROUNDS / 3),
      async () => {
        const started = performance.now()
        await Promise.all(Array.from({ length: AT_ONCE }, () => timeProcess(words(), place.env)))
        return performance.now() - started
      },
      async () => {
        const started = performance.now()
        await Promise.all(Array.from({ length: AT_ONCE }, nothing))
        return performance.now() - started
      }
    )
  return [
    {
      what: "`d getPort --key K`, daemon up, whole process",
      against: "`node -e 0`",
      ...(await against(place.env, "getPort", "--key", "app0-dev")),
      reach: 1.7,
      aim: 1.45
    },
    {
      what: "`d listPorts`, 100 rows, daemon up",
      against: "`node -e 0`",
      ...(await against(place.env, "listPorts")),
      reach: 2.2,
      aim: 1.6
    },
    {
      what: "`d allocate` of an existing app, daemon up",
      against: "`node -e 0`",
      ...(await against(place.env, "allocate", "--app", "app0")),
      reach: 2.2,
      aim: 1.6
    },
    {
      what: "the start of a command through `d run`, daemon up",
      against: "`node -e 0`",
      ...(await ratio(ROUNDS, () => startThroughRun(place), nothing)),
      reach: 2.0,
      aim: 1.6
    },
    {
      what: "`d getPort`, no daemon, SQLite",
      against: "`node -e 0`",
      ...(await against(alone.env, "getPort", "--key", "app0-dev")),
      reach: 4,
      aim: 3
    },
    { what: "`d --help`", against: "`node -e 0`", ...(await against(place.env, "--help")), reach: 4, aim: 2.5 },
    {
      what: `${AT_ONCE} \`d allocate\` processes at once, new apps, daemon up`,
      against: `${AT_ONCE} \`node -e 0\` at once`,
      ...(await together(() => [PROGRAM, "allocate", "--app", `new${++apps}`])),
      reach: 2.5,
      aim: 1.8
    }
  ]
}

/** What a process holds in memory, in MiB. */
const resident = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024

export const memoryRows = async () => {
  const { daemon, socket } = await served()
  const bare = await service(process.execPath, ["-e", "setInterval(() => {}, 1e6); console.error('serving')"])
  const connection = await kept(socket)
  await demand(connection, "setPort", { key: "app0-dev", value: 20_001 })
  for (let question = 0; question < 100; question++) await demand(connection, "getPort", { key: "app0-dev" })
  connection.close()
  await sleep(QUICK ? 2000 : 10_000)
  const ours = resident(daemon.pid)
  const floor = resident(bare.pid)
  return [
    {
      what: "memory of an idle daemon",
      against: "an idle bare Node process",
      ours,
      floor,
      ratio: ours / floor,
      unit: "MiB",
      reach: 2.2,
      aim: 1.8
    }
  ]
}
