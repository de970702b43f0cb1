import { storeSuite } from "./store.suite.ts"
import { sqlite } from "./support/databases.ts"

storeSuite(sqlite)
