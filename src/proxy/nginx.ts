import type { NamedPort } from "../domain/Proxy.ts"
import { behindProxy, NO_APP, type Setup, type Target } from "./Target.ts"

/**
 * The longest name that a map has room for, unless map_hash_bucket_size is set, which only one file can do. A regular
 * expression may be longer.
 */
const HASHED_MAX = 46

const mapped = ({ key, name, port }: NamedPort): string =>
  `\t${name.length > HASHED_MAX ? `"~^${name.replaceAll(".", "\\.")}$"` : name} d-ports-${port}; # ${key}`

/** An app listens on 127.0.0.1 or on ::1. One that does not answer now is asked again at once, because it may have started. */
const upstream = (port: number): string =>
  `upstream d-ports-${port} { server 127.0.0.1:${port} max_fails=0; server [::1]:${port} max_fails=0 backup; }`

const linesOf = ({ domain, hasIpv6, port, ports }: Setup): ReadonlyArray<string> => [
  "map $host $d_ports_upstream {",
  '\tdefault "";',
  ...ports.map(mapped),
  "}",
  "map $http_upgrade $d_ports_connection {",
  "\tdefault upgrade;",
  '\t"" close;',
  "}",
  ...[...new Set(ports.map((each) => each.port))].map(upstream),
  "server {",
  // On all addresses, as other servers do: nginx would take those of one address for the only ones that it has.
  `\tlisten ${port};`,
  ...(hasIpv6 ? [`\tlisten [::]:${port};`] : []),
  `\tserver_name *.${domain};`,
  "\tallow 127.0.0.0/8;",
  "\tallow ::1;",
  "\tdeny all;",
  `\tif ($d_ports_upstream = "") { return 404 "${NO_APP}\\n"; }`,
  "\tlocation / {",
  "\t\tproxy_pass http://$d_ports_upstream;",
  "\t\tproxy_http_version 1.1;",
  "\t\tproxy_set_header Host $http_host;",
  "\t\tproxy_set_header Upgrade $http_upgrade;",
  "\t\tproxy_set_header Connection $d_ports_connection;",
  "\t\tproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
  "\t\tproxy_set_header X-Forwarded-Host $http_host;",
  "\t\tproxy_set_header X-Forwarded-Proto $scheme;",
  "\t\tproxy_buffering off;",
  "\t\tproxy_request_buffering off;",
  "\t\tproxy_read_timeout 1d;",
  "\t\tproxy_send_timeout 1d;",
  "\t\tclient_max_body_size 0;",
  "\t}",
  "}"
]

export const nginx: Target = {
  title: "nginx",
  file: "nginx.conf",
  isShared: false,
  takesPort: true,
  lines: linesOf,
  url: behindProxy,
  include: (path) => `add this line at the end of the http block of nginx.conf, once: include ${path};`,
  reload: "sudo nginx -t && sudo nginx -s reload"
}
