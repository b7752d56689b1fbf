/** Migrates the database of a folder by steps of the test's own, to be killed in the middle: `node migration-child.ts DIRECTORY`. */
import { writeSync } from 'node:fs'
import { openWritable } from '../../daemon/store/connection.ts'
import { migrate } from '../../daemon/store/tables/schema.ts'
import { LATER_STEPS } from './migration-steps.ts'

const [directory = ''] = process.argv.slice(2)
const db = openWritable(directory, { durability: 'power', maxBytes: 256 * 1024 ** 2 })
writeSync(1, 'start\n')
migrate(db, LATER_STEPS)
db.close()
writeSync(1, 'done\n')
