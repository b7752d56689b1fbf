export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** The logger that rooms are given; pino satisfies it. Fields first, then the sentence. */
export type Logger = Readonly<Record<LogLevel, (fields: object, message: string) => void>>

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
