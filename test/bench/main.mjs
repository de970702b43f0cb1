// Measures how fast `d` is where it is felt, each thing against the least that it could cost, measured in the same run
// and in turn with it. Prints a table, and fails only where something cannot be measured.
import { cpus } from "node:os"
import { growthRows } from "./growth.mjs"
import { httpRows } from "./http.mjs"
import { manyRows } from "./many.mjs"
import { mariadbRows } from "./mariadb.mjs"
import { clean } from "./place.mjs"
import { memoryRows, processRows } from "./processes.mjs"
import { shellRows } from "./shell.mjs"
import { trimRows } from "./trim.mjs"
import { wireRows } from "./wire.mjs"

// It costs every start of node that reads it, and is nobody's usual surroundings.
delete process.env.NODE_EXTRA_CA_CERTS
process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`

const PARTS = {
  processes: processRows,
  memory: memoryRows,
  wire: wireRows,
  http: httpRows,
  shell: shellRows,
  mariadb: mariadbRows,
  growth: growthRows,
  many: manyRows,
  trim: trimRows
}

const rounded = (value) => (value >= 100 ? Math.round(value) : Math.round(value * 10) / 10).toLocaleString("en")

const line = ({ against, aim, floor, ours, ratio, reach, unit = "ms", what }) => {
  // Of what is counted by the second more is better, and the goal lies below the floor.
  const met = (goal) => (reach < 1 ? ratio >= goal : ratio <= goal)
  const verdict = met(aim) ? "aim" : met(reach) ? "reach" : "missed"
  const measured = `${rounded(ours)} ${unit} : ${rounded(floor)} ${unit}`
  return `| ${[what, against, measured, `**${ratio.toFixed(2)}**`, reach, aim, verdict].join(" | ")} |`
}

const wanted = process.argv.slice(2)
console.log(`Node ${process.version}, ${cpus().length} processors, ${new Date().toISOString().slice(0, 10)}\n`)
console.log("| what | against | measured | ratio | reach | aim | meets |")
console.log("| --- | --- | --- | --- | --- | --- | --- |")
for (const [name, rows] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  try {
    for (const row of await rows()) console.log(line(row))
  } catch (error) {
    process.exitCode = 1
    console.error(`${name} cannot be measured: ${error.stack}`)
  }
}
await clean()
process.exit()
