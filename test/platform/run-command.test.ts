import { expect, test } from 'vitest'
import { runCommand } from '../../daemon/platform/run-command.ts'

test('a command answers with its exit code and output', async () => {
  expect(await runCommand('sh', ['-c', 'echo hello'], { timeoutMs: 5_000 })).toEqual({
    exitCode: 0,
    stdout: 'hello\n',
    missing: false,
  })
  expect(await runCommand('sh', ['-c', 'exit 7'], { timeoutMs: 5_000 })).toMatchObject({ exitCode: 7, missing: false })
})

test('a program that does not exist is missing', async () => {
  expect(await runCommand('no-such-program-here', [], { timeoutMs: 5_000 })).toEqual({
    exitCode: null,
    stdout: '',
    missing: true,
  })
})

test('a command that hangs is killed at its time limit', async () => {
  const started = performance.now()
  const result = await runCommand('sleep', ['30'], { timeoutMs: 100 })
  expect(result.exitCode).toBeNull()
  expect(performance.now() - started).toBeLessThan(5_000)
})
