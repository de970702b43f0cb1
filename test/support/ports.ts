/** The thousands of ports that are free on this machine, one for each process that runs test files. */
const thousands = (process.env["PORTS_TEST_THOUSANDS"] ?? "3").split(",").map(Number)

/** By how much the tests of this process move the default ranges, so that none sees the ports of another process. */
const shift = ((thousands[Number(process.env["VITEST_POOL_ID"] ?? 1) - 1] ?? Number.NaN) - 3) * 1000

/** The port that stands for `port` of the default ranges in this process. */
export const at = (port: number): number => port + shift

/** MySQL's port lies in the range of apps, and is reserved wherever that is. */
const MYSQL = "3306"

/** `text` with every port of the default ranges as the tests of this process have it. */
export const atEach = (text: string): string =>
  text.replace(/\b3\d{3}\b/g, (port) => (port === MYSQL ? port : String(at(Number(port)))))

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
