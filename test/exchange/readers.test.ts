import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { IMPORT_FORMATS } from "../../src/commands/exchange.ts"
import { formatOf, readAs } from "../../src/exchange/readers.ts"
import { type Content, Unreadable } from "../../src/exchange/Source.ts"

type Format = (typeof IMPORT_FORMATS)[number]

interface Sample {
  readonly format: Format
  readonly name?: string
  readonly directory?: string | null
  readonly text: string
  /** The rows that are read: line, key, port, and the description if there is one. */
  readonly rows: ReadonlyArray<readonly [line: number, key: string, port: string, description?: string]>
  readonly owners?: ReadonlyArray<string>
  readonly doubts?: ReadonlyArray<string>
}

const json = (value: unknown): string => JSON.stringify(value, null, 2)

const SAMPLES: Readonly<Record<string, Sample>> = {
  "CSV of a spreadsheet with semicolons": {
    format: "csv",
    text: 'Port;Notes;Name\r\n3001;"CAD; the app";cad-dev\r\n\r\n3000;;cad-prod\r\n',
    rows: [
      [2, "cad-dev", "3001", "CAD; the app"],
      [4, "cad-prod", "3000", ""]
    ]
  },
  "CSV with tabs": { format: "csv", text: "key\tport\ncad-dev\t3001\n", rows: [[2, "cad-dev", "3001"]] },
  "CSV without titles": {
    format: "csv",
    text: "cad-dev,3001,CAD\npt-dev, 3003\n",
    rows: [
      [1, "cad-dev", "3001", "CAD"],
      [2, "pt-dev", "3003"]
    ]
  },
  "a Markdown document": {
    format: "markdown",
    name: "notes",
    text: [
      "# Ports",
      "",
      "Some text, with a table of something else:",
      "",
      "| Who | What |",
      "| --- | --- |",
      "| me | you |",
      "",
      "* in a list:",
      "",
      "  Owner | **Port** | `Key` | Notes",
      "  :-- | --: | --- | ---",
      "  me | `3001` | `cad-dev` | *the* app \\| client",
      "  you | 3000 | cad-prod |",
      "",
      "and more text."
    ].join("\n"),
    rows: [
      [13, "cad-dev", "3001", "the app | client"],
      [14, "cad-prod", "3000", ""]
    ]
  },
  outport: {
    format: "outport",
    name: "registry.json",
    text: json({
      projects: {
        "shop/main": {
          project_dir: "/home/me/src/shop",
          ports: { web: 24_920, postgres: 21_536 },
          hostnames: { web: "shop.test" },
          protocols: { web: "http" }
        },
        "shop/bkrm": { project_dir: "/home/me/src/shop-bkrm", ports: { web: 28_104 } }
      }
    }),
    rows: [
      [6, "shop-web", "24920"],
      [7, "shop-postgres", "21536"],
      [19, "shop.bkrm-web", "28104"]
    ],
    owners: ["shop-web /home/me/src/shop", "shop-postgres /home/me/src/shop", "shop.bkrm-web /home/me/src/shop-bkrm"]
  },
  portless: {
    format: "portless",
    name: "routes.json",
    text: json([
      { hostname: "myapp.localhost", port: 4123, pid: 4711 },
      { hostname: "api.myapp.localhost", port: 4567, pid: 4712, tailscaleUrl: "https://x" },
      { hostname: "postgres.localhost", port: 5433, pid: 0 }
    ]),
    rows: [
      [2, "myapp-dev", "4123"],
      [7, "api.myapp-dev", "4567"],
      [13, "postgres", "5433"]
    ],
    doubts: ["portless chooses another port at every start: these are the ones of now"]
  },
  devports: {
    format: "devports",
    text: json({
      allocations: [
        { port: 5432, project: "shop", service: "db", type: "postgres", allocatedAt: "2026-01-02T03:04:05.678Z" },
        {
          port: 3001,
          project: "shop",
          service: "app",
          type: "app",
          allocatedAt: "2026-01-02T03:04:05.678Z",
          note: "Client"
        }
      ],
      reservations: [{ port: 9000, reason: "php-fpm", reservedAt: "2026-01-02T03:04:05.678Z" }, { reason: "broken" }]
    }),
    rows: [
      [3, "shop-db", "5432", "postgres"],
      [10, "shop-app", "3001", "Client"]
    ],
    doubts: ["line 25: a reservation without a port was left out"]
  },
  "port-selector": {
    format: "port-selector",
    name: "allocations.yaml",
    text: [
      "last_issued_port: 3002",
      "allocations:",
      "  3000:",
      "    directory: /home/me/src/shop",
      "    assigned_at: 2026-01-02T03:04:05.678Z",
      "    last_used_at: 2026-01-02T03:04:05.678Z",
      "    locked: true",
      "  3001:",
      "    directory: (unknown:3001)",
      "    assigned_at: 2026-01-02T03:04:05.678Z",
      "    process_name: node",
      "  3002:",
      "    directory: /home/me/src/shop",
      "    name: api",
      "    assigned_at: 2026-01-02T03:04:05.678Z",
      ""
    ].join("\n"),
    rows: [
      [4, "shop-dev", "3000"],
      [13, "shop-api", "3002"]
    ],
    owners: ["shop-dev /home/me/src/shop", "shop-api /home/me/src/shop"],
    doubts: ["line 9: 3001 was left out: port-selector does not know what it belongs to"]
  },
  "consul kv export": {
    format: "consul",
    text: json([
      { key: "config/ports/cad/dev", flags: 0, value: "MzAwMQ==" },
      { key: "config/ports/loom-server", flags: 0, value: "MzUwMAo=" },
      { key: "config/title", flags: 0, value: "aGVsbG8=" },
      { key: "config/ports/", flags: 0, value: "" }
    ]),
    rows: [
      [2, "cad-dev", "3001"],
      [7, "loom-server", "3500"]
    ],
    doubts: ["left out 2 of 4 values, which are not ports"]
  },
  "docker compose config": {
    format: "compose",
    text: [
      "name: shop",
      "services:",
      "  db:",
      "    image: postgres:16",
      "    networks:",
      "      default: null",
      "    ports:",
      "      - mode: ingress",
      "        target: 5432",
      '        published: "15432"',
      "        protocol: tcp",
      "  web:",
      "    build:",
      "      context: /home/me/src/shop",
      "      dockerfile: Dockerfile",
      "    ports:",
      "      - mode: ingress",
      "        host_ip: 127.0.0.1",
      "        target: 80",
      '        published: "8080"',
      "        protocol: tcp",
      "      - mode: ingress",
      "        target: 443",
      '        published: "8443"',
      "        protocol: tcp",
      "      - mode: ingress",
      "        target: 443",
      '        published: "8443"',
      "        protocol: udp",
      "      - mode: ingress",
      "        target: 9229",
      "        protocol: tcp",
      "networks:",
      "  default:",
      "    name: shop_default",
      ""
    ].join("\n"),
    rows: [
      [8, "shop-db", "15432"],
      [17, "shop-web-80", "8080"],
      [22, "shop-web-443", "8443"]
    ],
    doubts: [
      "line 26: left out a port of web: a udp port",
      "line 30: left out a port of web: published on any free port"
    ]
  },
  "docker compose config --format json": {
    format: "compose",
    text: json({
      name: "shop",
      services: { db: { image: "x", ports: [{ mode: "ingress", target: 5432, published: "15432", protocol: "tcp" }] } }
    }),
    rows: [[7, "shop-db", "15432"]]
  },
  "a compose file": {
    format: "compose",
    name: "compose.yaml",
    text: [
      "services:",
      "  web:",
      '    ports: ["127.0.0.1:8080:80", "3000-3005:3000-3005", "$API:90", "5000"]',
      "  db:",
      '    ports: ["15432:5432/tcp"]',
      "  dns:",
      '    ports: ["5353:53/udp"]',
      ""
    ].join("\n"),
    rows: [
      [3, "web", "8080"],
      [5, "db", "15432"]
    ],
    doubts: [
      "line 3: left out a port of web: 3000-3005 is not a single port",
      "line 3: left out a port of web: $API is a variable: docker compose config | d import - has its value",
      "line 3: left out a port of web: published on any free port",
      "line 7: left out a port of dns: a udp port"
    ]
  },
  "a Procfile": {
    format: "procfile",
    name: "Procfile.dev",
    directory: "/home/me/src/shop",
    text: [
      "# what runs",
      "web: PORT=3001 bin/rails server",
      "",
      "api: node server.js -p 3002 --host 0.0.0.0",
      "admin: vite --port=3003 --port 3004",
      "worker: bundle exec sidekiq",
      "css: npx serve -p $PORT",
      "db: docker run -p 5433:5432 postgres",
      ""
    ].join("\n"),
    rows: [
      [2, "shop-web", "3001"],
      [4, "shop-api", "3002"],
      [5, "shop-admin", "3003"]
    ],
    doubts: ["line 5: admin: took 3003 and left out 3004", "line 7: css: it gets its port from its environment"]
  },
  "a Procfile from standard input": {
    format: "procfile",
    name: "standard input",
    directory: null,
    text: "web: PORT=3001 bin/rails server\n",
    rows: [[1, "web", "3001"]]
  },
  "a package.json": {
    format: "package",
    name: "package.json",
    directory: "/home/me/src/shop",
    text: json({
      name: "@me/shop",
      scripts: {
        dev: "vite --port 3001",
        "api:dev": "PORT=3002 node api.js",
        build: "vite build",
        start: "serve -p $PORT"
      }
    }),
    rows: [
      [4, "me-shop-dev", "3001"],
      [5, "me-shop-api-dev", "3002"]
    ],
    owners: ["me-shop-dev /home/me/src/shop", "me-shop-api-dev /home/me/src/shop"],
    doubts: ["line 7: start: it gets its port from its environment"]
  },
  "an environment file": {
    format: "env",
    name: ".env.local",
    text: [
      "# ports",
      "CAD_DEV_PORT=3001",
      'export LOOM_SERVER_PORT="3500" # the server',
      "PORT=3000",
      "SECRET=abc",
      "API_URL=http://localhost:3001",
      ""
    ].join("\n"),
    rows: [
      [2, "cad-dev", "3001"],
      [3, "loom-server", "3500"]
    ],
    doubts: [
      "line 4: PORT was left out: it does not say whose port it is",
      "the keys are made of the names of the variables, which do not tell ., _ and - apart"
    ]
  }
}

const rowsOf = ({ assignments }: Content) =>
  assignments.map(({ description, key, line, port }) => [
    line,
    key,
    String(port),
    ...(description === undefined ? [] : [description])
  ])

describe("a file", () => {
  it.each(Object.entries(SAMPLES))("%s is recognized and read", (_, sample) => {
    const { directory = "/home/me", doubts = [], format, name = "file", owners = [], rows, text } = sample
    const source = { name, directory, text }
    expect(formatOf(source)).toBe(format)
    const content = readAs(format, source)
    expect(rowsOf(content)).toEqual(rows)
    expect(content.doubts ?? []).toEqual(doubts)
    expect((content.owners ?? []).map((owner) => `${owner.key} ${owner.name}`)).toEqual(owners)
    expect((content.owners ?? []).every(({ kind }) => kind === "directory")).toBe(true)
  })

  it("has a sample for each format", () => {
    expect([...new Set(Object.values(SAMPLES).map(({ format }) => format)), "json"].sort()).toEqual(
      [...IMPORT_FORMATS].sort()
    )
  })

  it.each(IMPORT_FORMATS.filter((format) => format !== "csv"))(
    "that is none of its format is refused with a reason: %s",
    (format) => {
      for (const text of ["hello", "{}", "[]", "[1]", '{"a": [', "a: [b", "x: &a [*a, *a]", "1,2\n"]) {
        try {
          expect(readAs(format, { name: "file", directory: null, text }).assignments).toEqual([])
        } catch (error) {
          expect(error).toBeInstanceOf(Unreadable)
        }
      }
    }
  )

  it("that is nothing of this kind is not recognized", () => {
    for (const text of [
      "hello",
      "{}",
      "[]",
      '"x"',
      "1",
      "a, b\nc, d",
      "# Title\n\ntext",
      "| a | b |\n|---|---|\n| c | 1 |"
    ])
      expect(formatOf({ name: "file", directory: null, text }), text).toBeUndefined()
  })

  it("of 5,000 rows is read at once", () => {
    const rows = Array.from({ length: 5000 }, (_, at) => [`app-${at}-dev`, String(10_000 + at), `App | ${at}`] as const)
    const csv = ["key,port,description", ...rows.map((row) => row.join(","))].join("\n")
    const table = [
      "|key|port|description|",
      "|-|-|-|",
      ...rows.map(([key, port, text]) => `|${key}|${port}|${text.replace("|", "\\|")}|`)
    ]
    for (const [format, text] of [
      ["csv", csv],
      ["markdown", table.join("\n")]
    ] as const) {
      const found = readAs(format, { name: "file", directory: null, text }).assignments
      expect(found.map(({ description, key, port }) => [key, port, description])).toEqual(rows)
    }
  })
})

it("reads the tables of the documents that it is written for", () => {
  const source = { name: "README.md", directory: null, text: readFileSync("docs/moving.md", "utf8") }
  expect(formatOf(source)).toBe("markdown")
})
