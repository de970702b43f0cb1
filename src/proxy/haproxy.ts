import type { NamedPort } from "../domain/Proxy.ts"
import { behindProxy, NO_APP, type Setup, type Target } from "./Target.ts"

/** The prefix keeps a request from choosing another backend by its name. */
const PREFIX = "d-ports:"

const backend = (name: string, ...lines: ReadonlyArray<string>): ReadonlyArray<string> => [
  "",
  `backend ${PREFIX}${name}`,
  "\tmode http",
  "\ttimeout connect 5s",
  "\ttimeout server 1d",
  "\ttimeout tunnel 1d",
  ...lines.map((line) => `\t${line}`)
]

/** An app listens on 127.0.0.1 or on ::1: what one of them refuses goes to the other. */
const app = ({ key, name, port }: NamedPort): ReadonlyArray<string> =>
  backend(
    name,
    `# ${key}`,
    "balance first",
    "retries 2",
    "option redispatch 1",
    `server ipv4 127.0.0.1:${port}`,
    `server ipv6 [::1]:${port}`
  )

const linesOf = ({ hasIpv6, port, ports }: Setup): ReadonlyArray<string> => [
  "frontend d-ports",
  "\tmode http",
  `\tbind 127.0.0.1:${port}`,
  ...(hasIpv6 ? [`\tbind [::1]:${port}`] : []),
  "\ttimeout client 1d",
  "\ttimeout http-request 30s",
  "\toption forwardfor",
  "\thttp-request set-header X-Forwarded-Host %[req.hdr(host)]",
  "\thttp-request set-header X-Forwarded-Proto http",
  `\tuse_backend ${PREFIX}%[req.hdr(host),field(1,:),lower]`,
  `\tdefault_backend ${PREFIX}none`,
  ...backend("none", `http-request return status 404 content-type text/plain string "${NO_APP}\\n"`),
  ...ports.flatMap(app)
]

export const haproxy: Target = {
  title: "HAProxy",
  file: "haproxy.cfg",
  isShared: false,
  takesPort: true,
  lines: linesOf,
  url: behindProxy,
  include: (path) =>
    `add this to the options of haproxy, once, on Debian by EXTRAOPTS in /etc/default/haproxy: -f ${path}`,
  reload: "sudo systemctl reload haproxy"
}
