/** Aedes alone, doing nothing with what it gets: what the gateway is compared with. */
import { createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { Aedes } from 'aedes'

const { values } = parseArgs({ options: { port: { type: 'string', default: '1883' } } })

const broker = await Aedes.createBroker()
createServer({ noDelay: true }, broker.handle).listen(Number(values.port), '127.0.0.1')
