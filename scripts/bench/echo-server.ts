/** What a web framework can do at best: a route that answers with what it was sent. Prints its port; ends with its input. */
import Fastify from 'fastify'

const app = Fastify({ logger: false })
app.post('/echo', (request) => request.body)
const url = await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${new URL(url).port}\n`)
process.stdin.resume().on('end', () => process.exit(0))
