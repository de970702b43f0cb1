import { mariadb } from "../support/databases.ts"
import { storeSuite } from "./store.suite.ts"

storeSuite(mariadb)
