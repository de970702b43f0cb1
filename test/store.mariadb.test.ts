import { storeSuite } from "./store.suite.ts"
import { mariadb } from "./support/databases.ts"

storeSuite(mariadb)
