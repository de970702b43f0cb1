import { createServer } from "node:net"

const isFree = (port: number): Promise<boolean> =>
  new Promise((answer) => {
    const server = createServer()
    server.once("error", () => answer(false))
    server.listen(port, () => server.close(() => answer(true)))
  })

const quiet = async (): Promise<boolean> => {
  for (const [first, last] of [
    [3000, 3049],
    [3500, 3509]
  ] as const) {
    for (let port = first; port <= last; port++) if (!(await isFree(port))) return false
  }
  return true
}

/** Whoever runs the tests may have an app on 3000. Then the tests move, ranges and all, by 20,000. */
const shift = (await quiet()) ? 0 : 20_000

/** The port that stands for `port` of the default ranges on this machine. */
export const at = (port: number): number => port + shift

/** `text` with every port of the default ranges as it is on this machine. */
export const atEach = (text: string): string => text.replace(/\b3\d{3}\b/g, (port) => String(at(Number(port))))

/** What has to be configured for that. */
export const rangesEnv: Readonly<Record<string, string>> =
  shift === 0
    ? {}
    : { AUTOMATELINUX_APP_RANGE: `${at(3000)}-${at(3499)}`, AUTOMATELINUX_SPECIAL_RANGE: `${at(3500)}-${at(3999)}` }

/** The registry of the design, as `setPort` takes it: key, port, description. */
export const NINE_ROWS: ReadonlyArray<readonly [string, number, string]> = [
  ["cad-prod", at(3000), "CAD app production"],
  ["cad-dev", at(3001), "CAD app development"],
  ["pt-prod", at(3002), "Public Transportation production"],
  ["pt-dev", at(3003), "Public Transportation development"],
  ["loom-dev", at(3005), "Loom client (dev only)"],
  ["dashboard-prod", at(3006), "Dashboard frontend production"],
  ["dashboard-dev", at(3007), "Dashboard frontend development"],
  ["loom-server", at(3500), "Loom WebSocket stream server"],
  ["dashboard-bridge", at(3501), "Dashboard daemon bridge"]
]
