import { expect, test } from 'vitest'
import { siblingModule } from '../../daemon/platform/module-url.ts'

test('a module beside a source file is a source file', () => {
  const url = siblingModule('file:///opt/x/daemon/store/log.ts', './writer-thread')
  expect(url.href).toBe('file:///opt/x/daemon/store/writer-thread.ts')
})

test('a module beside a compiled file is a compiled file', () => {
  const url = siblingModule('file:///opt/x/dist/daemon/store/log.js', '../platform/child')
  expect(url.href).toBe('file:///opt/x/dist/daemon/platform/child.js')
})
