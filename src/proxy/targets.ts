import type { ProxyName } from "../domain/Proxy.ts"
import { caddy } from "./caddy.ts"
import { haproxy } from "./haproxy.ts"
import { hosts } from "./hosts.ts"
import { nginx } from "./nginx.ts"
import type { Target } from "./Target.ts"
import { traefik } from "./traefik.ts"

/** The table of what `d proxy` writes for. */
export const TARGETS: Readonly<Record<ProxyName, Target>> = { caddy, nginx, traefik, haproxy, hosts }
