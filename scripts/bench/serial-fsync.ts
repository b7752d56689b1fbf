/** Inserts one row and fsyncs it, again and again: the fastest that one message at a time can be durable on a disk. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'

const { values } = parseArgs({ options: { directory: { type: 'string' }, rows: { type: 'string', default: '10000' } } })
if (values.directory === undefined) throw new Error('--directory is missing')

const rows = Number(values.rows)
const database = new Database(join(values.directory, 'serial.db'))
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.exec('CREATE TABLE message (seq INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL)')
const insert = database.prepare<[Buffer]>('INSERT INTO message (body) VALUES (?)')
const body = Buffer.alloc(150, 'x')

const start = performance.now()
for (let row = 0; row < rows; row++) insert.run(body)
const seconds = (performance.now() - start) / 1000
database.close()
process.stdout.write(`${JSON.stringify({ rows, seconds, rate: rows / seconds })}\n`)
