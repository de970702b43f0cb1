import { spawn } from "node:child_process"

/** Fewer repetitions, for a first look. */
export const QUICK = process.env.QUICK === "1"

const WARM_UP = QUICK ? 1 : 3

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

/** Runs a program to its end and answers how long that took, in milliseconds. */
export const timeProcess = (words, env, expected = 0) =>
  new Promise((done, fail) => {
    const started = performance.now()
    const child = spawn(process.execPath, words, { env, stdio: ["ignore", "pipe", "pipe"] })
    let said = ""
    child.stdout.resume()
    child.stderr.on("data", (chunk) => (said += chunk))
    child.on("error", fail)
    child.on("close", (code) =>
      code === expected
        ? done(performance.now() - started)
        : fail(new Error(`node ${words.join(" ")} ended with ${code}: ${said}`))
    )
  })

/**
 * How much more one thing is than another: the median over `rounds` of the ratio of two measurements made one right
 * after the other, so that a machine that is slower for a while is slower for both. Which comes first alternates.
 */
export const ratio = async (rounds, ours, floor) => {
  const ratios = []
  const figures = { ours: [], floor: [] }
  // A service is asked for days: what V8 does to code that is new is not what it costs.
  for (let round = 0; round < WARM_UP; round++) {
    await ours()
    await floor()
  }
  for (let round = 0; round < rounds; round++) {
    const measured = {}
    for (const [name, measure] of round % 2 === 0 ? Object.entries({ ours, floor }) : Object.entries({ floor, ours })) {
      measured[name] = await measure()
      figures[name].push(measured[name])
    }
    ratios.push(measured.ours / measured.floor)
  }
  return { ratio: median(ratios), ours: median(figures.ours), floor: median(figures.floor) }
}

/** Calls `work` again and again for `milliseconds`, by `clients` at once, and answers how often a second. */
export const rate = async (clients, milliseconds, work) => {
  const started = performance.now()
  let count = 0
  const one = async (client) => {
    while (performance.now() - started < milliseconds) {
      await work(client)
      count++
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, client) => one(client)))
  return (count * 1000) / (performance.now() - started)
}

/** How long `work` takes, in milliseconds: the median of `times` calls. */
export const latency = async (times, work) => {
  const all = []
  for (let call = 0; call < times; call++) {
    const started = performance.now()
    await work()
    all.push(performance.now() - started)
  }
  return median(all)
}
