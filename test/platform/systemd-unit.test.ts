import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { requireTool } from '../servers/require-tool.ts'

const UNIT = new URL('../../systemd/stepflow-edge.service', import.meta.url)
const text = readFileSync(UNIT, 'utf8')

const folder = mkdtempSync(join(tmpdir(), 'unit-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** systemd checks that the program exists, which it does only where the package is installed. */
function writeCheckedCopy(): string {
  const path = join(folder, 'stepflow-edge.service')
  writeFileSync(path, text.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'))
  return path
}

function settings(name: string): string[] {
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((match) => match[1] ?? '')
}

describe('the systemd unit', () => {
  test('has no mistake that systemd-analyze verify finds', () => {
    const result = spawnSync(requireTool('systemd-analyze'), ['verify', writeCheckedCopy()], { encoding: 'utf8' })
    expect(result.stderr.trim()).toBe('')
    expect(result.status).toBe(0)
  })

  test('is exposed by no more than 2.0', () => {
    const args = ['security', '--offline=true', '--threshold=20', writeCheckedCopy()]
    const result = spawnSync(requireTool('systemd-analyze'), args, { encoding: 'utf8' })
    expect(result.stdout).toContain('Overall exposure level')
    expect(result.status).toBe(0)
  })

  test('waits for READY=1 from systemd-notify, and watches', () => {
    expect(settings('Type')).toEqual(['notify'])
    expect(settings('NotifyAccess')).toEqual(['all'])
    expect(settings('WatchdogSec')).toEqual(['30'])
    expect(settings('Restart')).toEqual(['always'])
  })

  test('allows everything that the gateway needs', () => {
    // V8 compiles to memory; sensors are devices; host readings come from /proc and netlink.
    expect(settings('MemoryDenyWriteExecute')).toEqual([])
    expect(settings('PrivateDevices')).toEqual([])
    expect(settings('ProcSubset')).toEqual([])
    expect(settings('RestrictAddressFamilies').join(' ')).toContain('AF_NETLINK')
    expect(settings('DeviceAllow')).toEqual(['char-ttyUSB rw', 'char-ttyACM rw', 'char-ttyAMA rw', 'char-ttyS rw'])
  })

  test('gives the daemon longer to stop than it takes', () => {
    expect(Number(settings('TimeoutStopSec')[0])).toBeGreaterThan(15)
  })
})
