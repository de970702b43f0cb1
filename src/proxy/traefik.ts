import { behindProxy, type Setup, type Target } from "./Target.ts"

/** The rule of a name. Its entry point may listen on all addresses: so this asks who it is. */
const ruleOf = (name: string): string => `"Host(\`${name}\`) && (ClientIP(\`127.0.0.0/8\`) || ClientIP(\`::1\`))"`

const routerOf = (name: string): string => `d-ports-${name.replaceAll(".", "-")}`

/** Traefik refuses an element that is empty. */
const linesOf = ({ ports }: Setup): ReadonlyArray<string> =>
  ports.length === 0
    ? []
    : [
        "http:",
        "  routers:",
        ...ports.flatMap(({ key, name, port }) => [
          `    ${routerOf(name)}: # ${key}`,
          `      rule: ${ruleOf(name)}`,
          `      service: d-ports-${port}`
        ]),
        "  services:",
        // By the name localhost, Traefik finds an app that listens on 127.0.0.1, and one that listens on ::1.
        ...[...new Set(ports.map(({ port }) => port))].flatMap((port) => [
          `    d-ports-${port}:`,
          "      loadBalancer:",
          "        servers:",
          `          - url: "http://localhost:${port}"`
        ])
      ]

export const traefik: Target = {
  title: "Traefik",
  file: "traefik.yaml",
  isShared: false,
  takesPort: false,
  lines: linesOf,
  url: behindProxy,
  include: (path) => `name it in Traefik's static configuration, once, as providers.file.filename: ${path}`,
  reload: undefined
}
