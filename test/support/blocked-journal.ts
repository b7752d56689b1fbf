import { rmSync, writeFileSync } from 'node:fs'
import type { DaemonProcess } from './daemon-process.ts'

/** Makes a file upstream that cannot be opened: a file stands where its folder should be. Before the daemon starts. */
export function blockJournal(daemon: DaemonProcess): void {
  writeFileSync(daemon.path('journal'), 'in the way')
}

/** From now on the file upstream works. */
export function unblockJournal(daemon: DaemonProcess): void {
  rmSync(daemon.path('journal'))
}
