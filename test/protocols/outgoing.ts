import type { OutgoingMessage } from '../../daemon/protocols/adapter.ts'

/** A message as the forwarder would hand it over; the payload is `{"n": …}` unless given. */
export function outgoing(n: number, fields: Partial<OutgoingMessage> = {}): OutgoingMessage {
  const address = fields.address ?? 'readings'
  return {
    id: `edge-1:a:${n}`,
    address,
    key: null,
    orderKey: 'device-1',
    payload: Buffer.from(JSON.stringify({ n })),
    headers: { 'message-id': `edge-1:a:${n}` },
    timestampMs: Date.UTC(2026, 0, 1) + n,
    describe: () => ({
      topic: `device/1/${address}`,
      receivedAt: new Date(Date.UTC(2026, 0, 1) + n).toISOString(),
      document: 'plant@1.0.0',
      message: 'Reading',
      parameters: { deviceId: '1' },
      headers: { unit: 'C' },
    }),
    ...fields,
  }
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}
