import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync } from "node:fs"
import { userInfo } from "node:os"
import { join } from "node:path"
import { install } from "../support/programs.ts"

const PROVIDERS = ["/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so"]

const has = (program: string) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0

/**
 * A cluster needs its provider, rsync, and the script that a node copies another's state with. That script lies in the
 * package of a whole server, which is unpacked aside: nothing of it is wanted on the machine.
 */
export default () => {
  if (!PROVIDERS.some(existsSync) || !has("rsync")) install(["galera-4", "rsync"])
  if (!PROVIDERS.some(existsSync) || !has("rsync"))
    throw new Error("the tests of a cluster need galera-4 and rsync: apt-get install galera-4 rsync")
  if (has("wsrep_sst_rsync")) return
  const directory = mkdtempSync(join(process.env["PORTS_TEST_ROOT"] ?? "", "sst"))
  // Into a directory of ours alone, which the user that apt downloads as may not enter.
  const asOurselves = ["-o", `APT::Sandbox::User=${userInfo().username}`]
  execFileSync("apt-get", ["download", "-qq", ...asOurselves, "mariadb-server"], { cwd: directory, stdio: "inherit" })
  const [name = ""] = readdirSync(directory)
  execFileSync("dpkg-deb", ["-x", join(directory, name), directory])
  process.env["PATH"] = `${join(directory, "usr/bin")}:${process.env["PATH"]}`
}
