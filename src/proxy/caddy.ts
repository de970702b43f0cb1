import { behindProxy, NO_APP, type Setup, type Target } from "./Target.ts"

/** One site of a Caddyfile. Other sites may be meant for other machines, and listen on the same port: so this asks who it is. */
const site = (address: string, ...lines: ReadonlyArray<string>): ReadonlyArray<string> => [
  `http://${address} {`,
  "\timport d-ports",
  ...lines.map((line) => `\t${line}`),
  "}"
]

const linesOf = ({ domain, port, ports }: Setup): ReadonlyArray<string> => [
  "(d-ports) {",
  "\t@elsewhere not remote_ip 127.0.0.0/8 ::1",
  "\tabort @elsewhere",
  "}",
  // An app listens on 127.0.0.1 or on ::1: what one of them refuses goes to the other, and is not held against it for long.
  "(d-ports-app) {",
  "\tlb_policy first",
  "\tlb_try_duration 500ms",
  "\tlb_try_interval 5ms",
  "\tfail_duration 50ms",
  "}",
  ...ports.flatMap((each) => [
    "",
    `# ${each.key}`,
    ...site(
      `${each.name}:${port}`,
      `reverse_proxy 127.0.0.1:${each.port} [::1]:${each.port} {`,
      "\timport d-ports-app",
      "}"
    )
  ]),
  "",
  ...site(`*.${domain}:${port}`, `respond "${NO_APP}" 404`)
]

export const caddy: Target = {
  title: "Caddy",
  file: "Caddyfile",
  isShared: false,
  takesPort: true,
  lines: linesOf,
  url: behindProxy,
  include: (path) => `add this line to your Caddyfile, once: import ${path}`,
  reload: "sudo systemctl reload caddy"
}
