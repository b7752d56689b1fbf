import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { startRabbitmq } from './rabbitmq.ts'

/** Opens a connection as AMQP 0-9-1 does, and resolves to the first method that the server answers with. */
function firstMethod(url: string): Promise<{ classId: number; methodId: number }> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(Buffer.from('AMQP\0\0\x09\x01', 'latin1')))
    let answer = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length < 11) return
      socket.destroy()
      resolve({ classId: answer.readUInt16BE(7), methodId: answer.readUInt16BE(9) })
    })
  })
}

test('RabbitMQ starts in a folder of its own, speaks AMQP 0-9-1, and comes back after SIGKILL', async () => {
  const server = await startRabbitmq()
  try {
    expect(await firstMethod(server.url)).toEqual({ classId: 10, methodId: 10 })
    if (server.own === undefined) return
    expect(server.ctl('list_users', '--silent')).toContain('guest')
    await server.kill()
    await expect(firstMethod(server.url)).rejects.toThrow()
    await server.start()
    expect(await firstMethod(server.url)).toEqual({ classId: 10, methodId: 10 })
  } finally {
    await server.stopAll()
  }
})
