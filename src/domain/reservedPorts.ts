import { parsePortOrRange } from "./portList.ts"

/** Port → why it is never allocated. */
export type Reserved = ReadonlyMap<number, string>

/**
 * The ports that browsers refuse to connect to: the "bad port" list of the Fetch standard
 * (https://fetch.spec.whatwg.org/#port-blocking), with the service that each is blocked for.
 */
const BLOCKED_BY_BROWSERS =
  "1 tcpmux,7 echo,9 discard,11 systat,13 daytime,15 netstat,17 qotd,19 chargen,20 ftp-data,21 ftp,22 ssh,23 telnet," +
  "25 smtp,37 time,42 name,43 nicname,53 domain,69 tftp,77 priv-rjs,79 finger,87 ttylink,95 supdup,101 hostname," +
  "102 iso-tsap,103 gppitnp,104 acr-nema,109 pop2,110 pop3,111 sunrpc,113 auth,115 sftp,117 uucp-path,119 nntp,123 ntp," +
  "135 epmap,137 netbios-ns,139 netbios-ssn,143 imap,161 snmp,179 bgp,389 ldap,427 svrloc,465 submissions,512 exec," +
  "513 login,514 shell,515 printer,526 tempo,530 courier,531 chat,532 netnews,540 uucp,548 afp,554 rtsp,556 remotefs," +
  "563 nntps,587 submission,601 syslog-conn,636 ldaps,989 ftps-data,990 ftps,993 imaps,995 pop3s,1719 h323gatestat," +
  "1720 h323hostcall,1723 pptp,2049 nfs,3659 apple-sasl,4045 npp,4190 sieve,5060 sip,5061 sips,6000 x11,6566 sane-port," +
  "6665 ircu,6666 ircu,6667 ircu,6668 ircu,6669 ircu,6679 osaut,6697 ircs-u,10080 amanda"

const DATABASE_AND_DESKTOP: ReadonlyArray<readonly [number, string]> = [
  [3306, "MySQL, this registry's own database"],
  [3389, "RDP, remote desktop"]
]

/** The ports that are reserved by default. */
export const builtInReserved: Reserved = new Map([
  ...BLOCKED_BY_BROWSERS.split(",").map((entry): [number, string] => {
    const [port = "", service = ""] = entry.split(" ")
    return [Number(port), `blocked by browsers (${service})`]
  }),
  ...DATABASE_AND_DESKTOP
])

/**
 * Applies the configured changes to the built-in list: `3128,3200-3210` adds, `-3306` removes. Returns the first item
 * that is neither a port nor a range as `wrong`.
 */
export const configureReserved = (
  text: string,
  reason: string
): { readonly reserved: Reserved } | { readonly wrong: string } => {
  const reserved = new Map(builtInReserved)
  for (const item of text.split(",").map((part) => part.trim())) {
    if (item === "") continue
    const removes = item.startsWith("-")
    const written = removes ? item.slice(1) : item
    const range = parsePortOrRange(written)
    if (range === undefined) return { wrong: item }
    for (let port = range.first; port <= range.last; port++) {
      if (removes) reserved.delete(port)
      else if (!reserved.has(port)) reserved.set(port, reason)
    }
  }
  return { reserved }
}
